package app

import (
	"net/http"

	"github.com/atelier-bridge/atelier/adapters/web"
	"github.com/atelier-bridge/atelier/core/studio"
)

// plan gives the use cases what calendars, digests and notices need.
func (a *App) plan() {
	a.studio.Planning, a.studio.Moving, a.studio.Feeds = a.store.Review, a.store.Review, a.store.People
	a.deliver.Holder = a.studio
}

// timekeeper does what partitions have to do at a moment.
func (a *App) timekeeper() *studio.Timekeeper {
	return &studio.Timekeeper{Studio: a.studio, Alarms: a.store.Review, Clock: a.clock, Log: a.log}
}

// calendars serves the private links to calendars.
func (a *App) calendars() http.Handler {
	return web.NewCalendars(a.studio, a.tr, a.log).Handler()
}
