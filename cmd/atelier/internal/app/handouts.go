package app

import (
	"context"
	"net/http"

	"github.com/atelier-bridge/atelier/adapters/media"
	"github.com/atelier-bridge/atelier/adapters/web"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/studio"
)

// handOut serves links to files below /files/. They end before the server waits for its connections.
func (a *App) handOut(mux *http.ServeMux) (stop func(context.Context) error) {
	a.studio.HandoutLimits = a.cfg.HandoutLimits
	a.studio.Platforms = map[core.PlatformName]core.Capabilities{}
	for name, p := range a.platforms() {
		a.studio.Platforms[name] = p.Capabilities()
	}
	files := web.NewFiles(&studio.Handouts{Studio: a.studio, Blobs: a.blobs, Sheets: media.NewSheets(a.imaging, a.clock)}, a.tr, a.log)
	mux.Handle("/files/", files.Handler())
	return func(context.Context) error { files.Close(); return nil }
}
