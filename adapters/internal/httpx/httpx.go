// Package httpx is the one way in which providers reach the network: to the origin that the operator configured and to a
// short list of further hosts, never to a private address behind a name that somebody else controls, with bounded
// answers, and with outcomes told apart by whether something may have been billed.
package httpx

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// userAgent says who calls, as providers ask.
	userAgent = "Atelier (+https://github.com/atelier-bridge/atelier)"
	// defaultTimeout bounds one call where Options say nothing; pictures of high quality take minutes.
	defaultTimeout = 5 * time.Minute
	// defaultMax bounds an answer where a call says nothing.
	defaultMax = 1 << 20
	// maxRedirects bounds how far a GET follows redirects on its own host.
	maxRedirects = 3
)

// Options configure a Client.
type Options struct {
	ID   core.ProviderName
	Name string // of the provider, as people read it
	// BaseURL is set by the operator, so its origin is trusted, loopback included.
	BaseURL string
	// Hosts are further hosts that answers may point to, over https on the usual port; "*.example.com" covers what lies
	// below it.
	Hosts []string
	// KeyHosts are hosts among them that the credential may go to, because the provider runs its API there too.
	KeyHosts []string
	Timeout  time.Duration // of one call with its answer; five minutes when zero
	Clock    core.Clock
	// Telemetry is told of each call.
	Telemetry core.Telemetry
	// Classify looks at answers that are no success before the general rules do: refusals look different everywhere. nil
	// where it returns nil.
	Classify func(status int, body []byte) *core.Error
}

// Client calls one provider. It keeps no credential, reads no environment and follows no proxy.
type Client struct {
	o    Options
	base *url.URL
	// once opens a connection for each call that may bill: on a kept one, a server that closes it at the wrong moment
	// leaves open whether the call arrived.
	once, kept *http.Client
}

// New checks the options; it opens nothing.
func New(o Options) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(o.BaseURL, "/"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("base URL of %s: give one such as https://api.example.com, without user, query or fragment", o.Name)
	}
	for _, h := range append(slices.Clone(o.Hosts), o.KeyHosts...) {
		if h = strings.TrimPrefix(h, "*."); h == "" || strings.ContainsAny(h, "*/:@ ") || !strings.Contains(h, ".") {
			return nil, fmt.Errorf("hosts of %s: %q is no host name", o.Name, h)
		}
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Clock == nil {
		o.Clock = core.SystemClock{}
	}
	c := &Client{o: o, base: u}
	c.once, c.kept = c.client(true), c.client(false)
	return c, nil
}

func (c *Client) client(once bool) *http.Client {
	dial := &net.Dialer{Timeout: 10 * time.Second}
	guarded := &net.Dialer{Timeout: 10 * time.Second, Control: refusePrivate}
	trusted := hostPort(c.base)
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == trusted {
				return dial.DialContext(ctx, network, addr)
			}
			return guarded.DialContext(ctx, network, addr)
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      once,
		DisableCompression:     true, // pictures do not shrink, and bombs do not grow
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return &http.Client{Transport: t, CheckRedirect: c.redirect}
}

// redirect lets a GET move on its own host, and nothing else: a credential goes where it was meant to.
func (*Client) redirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet || req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// Call is one request.
type Call struct {
	Method string // GET when empty
	// Path lies below the base URL; URL is a whole address that an answer gave, and must be on the base's origin or on an
	// allowed host.
	Path, URL   string
	Query       url.Values
	Accept      string
	ContentType string
	Body        []byte
	// Key is sent in Header, behind Prefix. It goes to the base's origin and to KeyHosts only, whatever URL says.
	Key            core.Secret
	Header, Prefix string
	// Billable says that the provider may charge for it: what is not known to have failed is CodeUnknown, not CodeRetry.
	Billable bool
	// Max bounds the answer's bytes; a megabyte when zero.
	Max int64
}

// Reply is a successful answer.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// errNotAllowed is the cause when an answer points somewhere that it must not.
var errNotAllowed = errors.New("the address is not on the list of allowed hosts")

// address returns where a call goes and whether the credential may go there.
func (c *Client) address(k Call) (u *url.URL, keyed bool, err error) {
	if k.URL == "" {
		u = c.base.JoinPath(k.Path)
		u.RawQuery = k.Query.Encode()
		return u, true, nil
	}
	u, err = url.Parse(k.URL)
	if err != nil || u.User != nil || u.Host == "" {
		return nil, false, errNotAllowed
	}
	if u.Scheme == c.base.Scheme && hostPort(u) == hostPort(c.base) {
		return u, true, nil
	}
	keyed = listed(c.o.KeyHosts, u.Hostname())
	if u.Scheme != "https" || u.Port() != "" && u.Port() != "443" || !keyed && !listed(c.o.Hosts, u.Hostname()) {
		return nil, false, errNotAllowed
	}
	return u, keyed, nil
}

// Allowed reports whether an address that an answer gave may be called.
func (c *Client) Allowed(address string) bool {
	_, _, err := c.address(Call{URL: address})
	return err == nil
}

func listed(hosts []string, host string) bool {
	host = strings.ToLower(host)
	return slices.ContainsFunc(hosts, func(h string) bool {
		if below, ok := strings.CutPrefix(strings.ToLower(h), "*"); ok {
			return strings.HasSuffix(host, below) && len(host) > len(below)
		}
		return host == strings.ToLower(h)
	})
}

// Do makes a call. Errors are core.Errors as Outcome and the package comment say; they hold no credential, no address
// and no unmasked text of the provider. Calls are never repeated.
func (c *Client) Do(ctx context.Context, k Call) (reply Reply, err error) {
	ctx, done := c.o.Telemetry.Start(ctx, "call provider", slog.String("provider", string(c.o.ID)), slog.Bool("billable", k.Billable))
	outcome := "error"
	defer func() {
		done(err)
		c.o.Telemetry.Count(core.MetricProviderCalls, string(c.o.ID), outcome)
	}()
	u, keyed, err := c.address(k)
	if err != nil {
		return Reply{}, core.Errorf(core.CodeInternal, "%s pointed to an address that Atelier does not trust.", c.o.Name).
			WithNext("An admin can look at the provider's list of hosts.").Because(err)
	}
	if err := context.Cause(ctx); err != nil {
		return Reply{}, core.Wrap(core.CodeRetry, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.Timeout, errTooSlow)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	method := k.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(k.Body))
	if err != nil {
		return Reply{}, core.Wrap(core.CodeInternal, bare(err))
	}
	if k.Billable {
		req.GetBody = nil // nothing can send it again
	}
	req.Header.Set("User-Agent", userAgent)
	if k.ContentType != "" {
		req.Header.Set("Content-Type", k.ContentType)
	}
	if k.Accept != "" {
		req.Header.Set("Accept", k.Accept)
	}
	if k.Header != "" && keyed {
		v := k.Prefix + k.Key.Reveal()
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
			return Reply{}, NoKey(c.o.Name)
		}
		req.Header.Set(k.Header, v)
	}
	client := c.kept
	if k.Billable {
		client = c.once
	}
	resp, err := client.Do(req)
	if err != nil {
		return Reply{}, c.broken(ctx, k, sent.Load(), err)
	}
	defer resp.Body.Close()
	outcome = strconv.Itoa(resp.StatusCode/100) + "xx"
	limit := k.Max
	if limit <= 0 {
		limit = defaultMax
	}
	body, err := read(resp, limit)
	ok := resp.StatusCode >= 200 && resp.StatusCode < 300
	if err != nil && ok {
		return Reply{}, c.broken(ctx, k, true, err)
	}
	if !ok {
		return Reply{}, c.outcome(k, resp.StatusCode, resp.Header, body)
	}
	return Reply{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// read reads an answer up to a limit; one that announces more is not read at all.
func read(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, errTooLong
	}
	// In pieces that are joined once: a buffer that grows would hold a large answer several times over.
	var pieces [][]byte
	for n := int64(0); ; {
		piece, err := io.ReadAll(io.LimitReader(resp.Body, min(readPiece, limit+1-n)))
		n += int64(len(piece))
		if pieces = append(pieces, piece); n > limit {
			return nil, errTooLong
		}
		if err != nil || len(piece) < readPiece {
			return bytes.Join(pieces, nil), err
		}
	}
}

// readPiece is how many bytes of an answer are read at a time.
const readPiece = 1 << 20

var (
	errTooSlow = errors.New("no answer in time")
	errTooLong = errors.New("the answer is longer than its limit")
)

// broken is the error of a call without a whole answer.
func (c *Client) broken(ctx context.Context, k Call, sent bool, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return c.lost(k, sent, bare(err))
}

func (c *Client) lost(k Call, sent bool, err error) error {
	if sent && k.Billable {
		return c.unknown(err)
	}
	if errors.Is(err, errTooLong) { // asking again would bring the same
		return core.Errorf(core.CodeTooLarge, "The answer of %s is too large.", c.o.Name).Because(err)
	}
	return core.Errorf(core.CodeRetry, "%s cannot be reached at the moment.", c.o.Name).WithNext("Please try again in a few minutes.").Because(err)
}

func (c *Client) unknown(err error) *core.Error {
	return core.Errorf(core.CodeUnknown, "The answer of %s was lost. It may have been billed.", c.o.Name).
		WithNext("Look at your activity there before you run it again.").Because(err)
}

// NoKey is the error when a provider does not accept a key.
func NoKey(name string) *core.Error {
	return core.Errorf(core.CodeForbidden, "%s did not accept the key.", name).WithNext("Link your account again with a key that works.")
}

// bare takes the address out of an error: it may be a signed one.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
