package ops

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// otlp sends spans as OTLP over HTTP, configured by the standard variables. It stands in for the SDK's own client, which
// brings gRPC and its gateway along: 400 KB of a program that never speaks them.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
type otlp struct {
	url     string
	headers map[string]string
	zip     bool
	http    *http.Client
}

var _ otlptrace.Client = (*otlp)(nil)

const (
	otlpDefault = "http://localhost:4318"
	otlpPath    = "/v1/traces"
	otlpTimeout = 10 * time.Second
	otlpTries   = 4
)

// otlpVariable reads a variable of traces, else the one of all signals.
func otlpVariable(name string) string {
	if v := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_" + name); v != "" {
		return v
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_" + name)
}

func newOTLP() (*otlp, error) {
	o := &otlp{url: os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), headers: map[string]string{}, http: &http.Client{Timeout: otlpTimeout}}
	if o.url == "" {
		base := os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
		if base == "" {
			base = otlpDefault
		}
		o.url = strings.TrimSuffix(base, "/") + otlpPath
	}
	if u, err := url.Parse(o.url); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT is no http:// or https:// URL")
	}
	for _, pair := range strings.Split(otlpVariable("HEADERS"), ",") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			continue
		}
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if err != nil {
			return nil, errors.New("OTEL_EXPORTER_OTLP_HEADERS is not name=value,name=value")
		}
		o.headers[strings.TrimSpace(name)] = value
	}
	if v := otlpVariable("TIMEOUT"); v != "" {
		ms, err := strconv.Atoi(v)
		if err != nil || ms <= 0 {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT is %q: it takes milliseconds", v)
		}
		o.http.Timeout = time.Duration(ms) * time.Millisecond
	}
	switch v := otlpVariable("COMPRESSION"); v {
	case "", "none":
	case "gzip":
		o.zip = true
	default:
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_COMPRESSION is %q: it takes gzip or none", v)
	}
	if file := otlpVariable("CERTIFICATE"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, errors.New("OTEL_EXPORTER_OTLP_CERTIFICATE holds no certificate")
		}
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		o.http.Transport = t
	}
	return o, nil
}

// Start does nothing: the first spans open the connection.
func (o *otlp) Start(context.Context) error { return nil }

// Stop drops idle connections.
func (o *otlp) Stop(context.Context) error {
	o.http.CloseIdleConnections()
	return nil
}

// UploadTraces sends spans; it tries again where the collector asks for that, and tells of an error in the end.
func (o *otlp) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// TracesData is on the wire what an export request is.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	if o.zip {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(body); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		body = b.Bytes()
	}
	wait := 500 * time.Millisecond
	for n := 1; ; n++ {
		again, after, err := o.post(ctx, body)
		if err == nil || !again || n == otlpTries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(max(wait, after)):
		}
		wait *= 2
	}
}

// post makes one try. again says that another one may help, after how long if the collector said so.
func (o *otlp) post(ctx context.Context, body []byte) (again bool, after time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return false, 0, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if o.zip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	for name, value := range o.headers {
		req.Header.Set(name, value)
	}
	resp, err := o.http.Do(req)
	if err != nil {
		return true, 0, fmt.Errorf("traces: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return false, 0, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
			after = min(time.Duration(s)*time.Second, otlpTimeout)
		}
		again = true
	}
	return again, after, fmt.Errorf("traces: the collector answered %s", resp.Status)
}
