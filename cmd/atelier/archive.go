package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/archive"
)

// passphraseVariable holds the passphrase of archives where nobody sits at a terminal.
const passphraseVariable = "ATELIER_EXPORT_PASSPHRASE"

func exportCommand() *cobra.Command {
	var lock app.Lock
	var quiet bool
	cmd := &cobra.Command{
		Use: "export FILE", Short: "Write everything of this installation into an encrypted file.", Args: cobra.ExactArgs(1),
		Long: "Write everything of this installation, records and pictures, into an encrypted file; - is standard output.\n\n" +
			"The file opens for the recipients, or by a passphrase: from " + passphraseVariable + ", or asked for. It may be written while Atelier\n" +
			"serves; what changes meanwhile is in it in part. For an exact copy stop every replica first. docs/backup.md says more.",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, began := cmd.Context(), time.Now()
			if len(lock.Recipients) == 0 {
				var err error
				if lock.Passphrase, err = passphrase(ctx, true); err != nil {
					return err
				}
			}
			p := newProgress(quiet)
			defer p.finish()
			var r archive.Result
			bytes, err := writeFile(args[0], func(w io.Writer) (err error) {
				r, err = app.Export(ctx, w, lock, version, p.tell)
				return err
			})
			p.finish()
			if err != nil {
				return told(err)
			}
			if args[0] == "-" {
				cmd.SetOut(cmd.ErrOrStderr()) // the archive itself went to standard output
			}
			return report(cmd, done{Result: r, File: args[0], Bytes: bytes, Seconds: time.Since(began).Seconds()}, "Exported")
		},
	}
	cmd.Flags().StringArrayVar(&lock.Recipients, "recipient", nil, "age public key that can open the file (age1...); may be given more than once")
	quietly(cmd, &quiet)
	return cmd
}

func importCommand() *cobra.Command {
	var quiet, force, check bool
	var identity string
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Fill an empty installation from a file that export wrote, and verify it.", Args: cobra.ExactArgs(1),
		Long: "Fill the empty store and the blob store that the environment names from a file that \"atelier export\" wrote; - is standard input.\n\n" +
			"Everything is read back and compared. Until that is done, nothing opens the store. An import that did not get to its\n" +
			"end is begun anew with --force, which removes what it left and nothing else. --check reads the file without a store.",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, began := cmd.Context(), time.Now()
			lock, err := opener(ctx, identity)
			if err != nil {
				return err
			}
			in, err := openFile(args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			p := newProgress(quiet)
			defer p.finish()
			counted := &counter{r: in, total: length(in), tell: p.counting(archive.Reading)}
			var r archive.Result
			verb := "Imported and verified"
			if check {
				verb = "The file is whole. It holds"
				r, err = app.CheckArchive(ctx, counted, lock)
			} else {
				r, err = app.Import(ctx, counted, lock, force, p.tell)
			}
			p.finish()
			if err != nil {
				return told(err)
			}
			return report(cmd, done{Result: r, File: args[0], Bytes: counted.done, Seconds: time.Since(began).Seconds()}, verb)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "remove first what an unfinished import left")
	cmd.Flags().BoolVar(&check, "check", false, "read the file through without a store and say what is in it")
	cmd.Flags().StringVar(&identity, "identity", "", "file with the age identity that opens the archive")
	quietly(cmd, &quiet)
	return cmd
}

// quietly gives a command that shows its progress the choice not to.
func quietly(cmd *cobra.Command, quiet *bool) {
	cmd.Flags().BoolVar(quiet, "quiet", false, "tell no progress")
}

// told shows what people may read of an error, and its cause where that says more: an operator needs both.
func told(err error) error {
	var e, inner *core.Error
	if !errors.As(err, &e) || e.Message == "" {
		return err
	}
	text := core.SafeMessage(err)
	if e.Err != nil && !errors.As(e.Err, &inner) && !errors.Is(e.Err, archive.ErrDamaged) {
		text += " (" + e.Err.Error() + ")"
	}
	return errors.New(text)
}

// opener is what opens an archive: an identity, or a passphrase.
func opener(ctx context.Context, identity string) (lock app.Lock, err error) {
	if identity != "" {
		data, err := os.ReadFile(identity)
		if err != nil {
			return lock, fmt.Errorf("--identity: %w", err)
		}
		lock.Identities, lock.Passphrase = string(data), os.Getenv(passphraseVariable)
		return lock, nil
	}
	lock.Passphrase, err = passphrase(ctx, false)
	return lock, err
}

// passphrase reads it from the environment, or asks for it; twice, where a mistake would lock the file for good.
func passphrase(ctx context.Context, twice bool) (string, error) {
	if s := os.Getenv(passphraseVariable); s != "" {
		return s, nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", errors.New("there is no passphrase: set " + passphraseVariable + ", or use --recipient and --identity")
	}
	first, err := ask(ctx, "Passphrase: ")
	if err != nil {
		return "", err
	}
	if first == "" {
		return "", errors.New("a passphrase cannot be empty")
	}
	if twice {
		second, err := ask(ctx, "Once more: ")
		if err != nil {
			return "", err
		}
		if second != first {
			return "", errors.New("the two differ; try again")
		}
	}
	return first, nil
}

// ask reads a line from the terminal without showing it. When the context ends, the terminal shows what is typed again.
func ask(ctx context.Context, question string) (string, error) {
	fd := int(os.Stdin.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(os.Stderr, question)
	defer fmt.Fprintln(os.Stderr)
	type answer struct {
		text []byte
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		got <- answer{text, err}
	}()
	select {
	case a := <-got:
		return string(a.text), a.err
	case <-ctx.Done():
		return "", errors.Join(context.Cause(ctx), term.Restore(fd, state))
	}
}

// writeFile has a new file written as a whole: what fails leaves none behind. It returns how long it is.
func writeFile(name string, write func(io.Writer) error) (int64, error) {
	if name == "-" {
		if term.IsTerminal(int(os.Stdout.Fd())) {
			return 0, errors.New("an archive is nothing for a terminal: name a file, or send it into a pipe")
		}
		c := &counter{w: os.Stdout}
		err := write(c)
		return c.done, err
	}
	if _, err := os.Lstat(name); err == nil {
		return 0, fmt.Errorf("%s is there already: name a new file", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is there only when writing failed
	c := &counter{w: f}
	err = write(c)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	return c.done, os.Rename(f.Name(), name)
}

func openFile(name string) (*os.File, error) {
	if name == "-" {
		return os.Stdin, nil
	}
	return os.Open(name)
}

// length is that of a file, 0 of a pipe.
func length(f *os.File) int64 {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		return info.Size()
	}
	return 0
}

// counter counts what goes through it.
type counter struct {
	r           io.Reader
	w           io.Writer
	done, total int64
	tell        func(done, total int64)
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.done += int64(n)
	c.tell(c.done, c.total)
	return n, err
}

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.done += int64(n)
	return n, err
}

// done is what -o json prints.
type done struct {
	archive.Result
	File    string  `json:"file"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

func report(cmd *cobra.Command, d done, verb string) error {
	return show(cmd, d, func(out io.Writer) {
		for _, w := range d.Warnings {
			fmt.Fprintln(cmd.ErrOrStderr(), "warning: "+w)
		}
		fmt.Fprintf(out, "%s %d keys with %d values and %d pictures (%s) of workspace %s, as of %s.\n", verb, d.Keys, d.Values, d.Blobs, size(d.BlobBytes), d.Workspace, d.Made.Format("2006-01-02 15:04:05 MST"))
		if d.Expired > 0 {
			fmt.Fprintf(out, "%d keys had run out since and are left out.\n", d.Expired)
		}
		fmt.Fprintf(out, "%s: %s in %.1f s; content %.16s, written by Atelier %s.\n", d.File, size(d.Bytes), d.Seconds, d.Content, d.Atelier)
	})
}
