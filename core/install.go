package core

import (
	"context"
	"time"
)

// Install is an app that a team put into its workspace by itself: who it is there, and its tokens, sealed.
type Install struct {
	V       int    `json:"v"`
	Team    string `json:"team"`
	Name    string `json:"name,omitempty"` // the team's own
	AppID   string `json:"app,omitempty"`
	BotUser string `json:"botUser"`
	BotID   string `json:"botId,omitempty"`
	URL     string `json:"url,omitempty"`
	Token   Sealed `json:"token"`
	// Refresh gets the next token where Expires is set; both change together.
	Refresh *Sealed   `json:"refresh,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
	// At is when the team installed it; what is told of a time before concerns a former install.
	At time.Time `json:"at"`
}

// Labels of an install's sealed tokens.
const (
	InstallToken   = 1
	InstallRefresh = 2
)

// InstallLabel is bound to a token of an install: it opens for that platform's team and use only.
func InstallLabel(p PlatformName, team string, which int) SealLabel {
	return SealLabel{Person: PersonID("install/" + string(p) + "/" + team), Provider: "install", Number: which}
}

// Installs keeps the installs of a platform.
type Installs interface {
	// InstallRevision grows with each change: whoever knows an older one reads again.
	InstallRevision(ctx context.Context, p PlatformName) (int64, error)
	// Installs returns all installs, and their revision.
	Installs(ctx context.Context, p PlatformName) ([]Install, int64, error)
	// ChangeInstall changes a team's install through f, which sees the zero value where there is none and may run more
	// than once.
	ChangeInstall(ctx context.Context, p PlatformName, team string, f func(*Install) error) error
	// DropInstall forgets a team's install with its tokens, unless it is from after that moment.
	DropInstall(ctx context.Context, p PlatformName, team string, until time.Time) (dropped bool, err error)
}
