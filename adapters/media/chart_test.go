package media

import (
	"io"
	"os"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

func TestChart(t *testing.T) {
	blobs, err := OpenBlobs(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blobs.Close() })
	c := core.Chart{Title: "Your usage: pictures per day", Series: []core.Series{{Name: "Openai"}, {Name: "Sketch"}}, Alt: "a chart"}
	for i := range 30 {
		c.Labels = append(c.Labels, "11-"+string(rune('0'+i/10))+string(rune('0'+i%10)))
		c.Series[0].Values = append(c.Series[0].Values, float64(i%7*4))
		c.Series[1].Values = append(c.Series[1].Values, float64(i%3*8))
	}
	got, err := NewImaging(blobs).Chart(t.Context(), c)
	if err != nil || got.Width != chartWidth || got.Height != chartHeight || got.MIME != "image/png" {
		t.Fatal(got, err)
	}
	if name := os.Getenv("ATELIER_SHOW_CHART"); name != "" {
		r, err := blobs.Open(t.Context(), got.Blob)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := NewImaging(blobs).Chart(t.Context(), core.Chart{}); err != nil {
		t.Fatal("nothing to draw", err)
	}
}
