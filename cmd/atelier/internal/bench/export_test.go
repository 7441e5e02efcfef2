package bench

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/media"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
	"github.com/atelier-bridge/atelier/core/prompt"
	"github.com/atelier-bridge/atelier/core/relay"
	"github.com/atelier-bridge/atelier/core/studio"
	"github.com/atelier-bridge/atelier/feedback"
)

const (
	exported = 2000 // tasks and pictures: as many as one link hands out
	// exportAnswer bounds how long an answer may hold up its partition, exportMemory what a stream may keep.
	exportAnswer = time.Second
	exportMemory = 64 << 20
)

// heapWatch looks at the memory in use while it is written to, and counts.
type heapWatch struct {
	written, looked int64
	most            uint64
}

func (h *heapWatch) Write(p []byte) (int, error) {
	if h.written += int64(len(p)); h.written-h.looked > 16<<20 {
		h.looked = h.written
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		h.most = max(h.most, m.HeapAlloc)
	}
	return len(p), nil
}

// sameBlobs has one picture under every key.
type sameBlobs struct {
	data  []byte
	opens atomic.Int64
}

func (s *sameBlobs) Put(context.Context, io.Reader, string) (core.BlobKey, int64, error) {
	return "", 0, core.Errorf(core.CodeUnsupp, "only read")
}

func (s *sameBlobs) Open(context.Context, core.BlobKey) (io.ReadCloser, error) {
	s.opens.Add(1)
	return io.NopCloser(bytes.NewReader(s.data)), nil
}

// BenchmarkExport asks for an export of as many pictures as there may be in one, and streams it.
func BenchmarkExport(b *testing.B) {
	for range b.N {
		redis := startRedis(b)
		st, err := feedback.Open(b.Context(), feedback.Options{URL: redis.url})
		if err != nil {
			b.Fatal(err)
		}
		pictures(b, st, 1, exported)
		actor := core.Actor{Identity: "slack:T1/U1", Name: "Ada"}
		person, err := st.People.Meet(b.Context(), actor)
		if err != nil {
			b.Fatal(err)
		}
		project, err := st.People.UpdateProject(b.Context(), searchProject, func(p *core.Project) error { p.Default = core.RoleEditor; return nil })
		if err != nil {
			b.Fatal(err)
		}
		s := &studio.Studio{Table: command.New(), Prompts: prompt.Builtin(), Parts: st.DB.Parts, People: st.People, Projects: st.People, Tasks: st.Review, Comments: st.Review, Refs: st.Review,
			Search: st.Review, Organising: st.Review, Changes: st.Review, Journal: st.Journal, Tickets: st.People, PublicURL: "https://atelier.example", Clock: core.SystemClock{}, Log: slog.New(slog.DiscardHandler)}
		for _, asked := range []string{"export", "export tag:tag3", "export lighthouse"} {
			began := time.Now()
			c, err := s.Command(b.Context(), relay.Scope{Partition: st.DB.Parts.OfProject(searchProject), Person: person, Project: project, Room: &core.Room{ID: "slack:T1/C1", Project: searchProject},
				In: core.Inbound{ID: "i-1", Kind: core.InboundCommand, Room: "slack:T1/C1", Actor: actor, Command: &core.Command{Text: asked, Surface: core.SurfaceSlash}}})
			took := time.Since(began)
			if err != nil {
				b.Fatal(err)
			}
			b.Logf("%q is answered in %.0f ms on %s: %s", asked, ms(took), redis.kind, c.Out[0].Card.Body.String())
			if took > exportAnswer {
				b.Errorf("an answer takes %v", took)
			}
			if asked == "export" {
				stream(b, st, s, c.Out[0].Card.Buttons[0][0].URL)
			}
		}
		if err := st.Close(); err != nil {
			b.Error(err)
		}
	}
}

// stream opens the link of an export whose pictures have 100 KB each.
func stream(b *testing.B, st *feedback.Store, s *studio.Studio, url string) {
	b.Helper()
	blobs, err := media.OpenBlobs(b.Context(), "mem://")
	if err != nil {
		b.Fatal(err)
	}
	h := &studio.Handouts{Studio: s, Blobs: &sameBlobs{data: make([]byte, 100<<10)}, Sheets: media.NewSheets(media.NewImaging(blobs), core.SystemClock{})}
	out, err := h.Handout(b.Context(), url[len("https://atelier.example/files/"):])
	if err != nil {
		b.Fatal(err)
	}
	w := &heapWatch{}
	began := time.Now()
	if err := out.Write(b.Context(), w); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	b.Logf("%d MB in %.1f s; at most %d MB are in use meanwhile (wanted: below %d)", w.written>>20, took.Seconds(), w.most>>20, exportMemory>>20)
	if w.most > exportMemory {
		b.Errorf("%d MB are in use", w.most>>20)
	}
	if err := blobs.Close(); err != nil {
		b.Error(err)
	}
}
