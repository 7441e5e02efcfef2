package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/atelier-bridge/atelier/adapters/slack"
	"github.com/atelier-bridge/atelier/adapters/vault"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
	"github.com/atelier-bridge/atelier/feedback/people"
)

// oauth is what the Slack adapter needs of an app that teams install by themselves; nil where there is none.
func (c SlackConfig) oauth(s *feedback.Store, v core.Vault, publicURL func() string) *slack.OAuth {
	if !c.Installable() {
		return nil
	}
	return &slack.OAuth{ClientID: c.ClientID, ClientSecret: c.ClientSecret, PublicURL: publicURL, Installs: s.People, Tickets: s.People, Vault: v}
}

// SlackInstallLink makes a link with which one team installs the app, with the configuration of the environment.
func SlackInstallLink(ctx context.Context) (link string, err error) {
	cfg, err := LoadConfig()
	if !cfg.Slack.Installable() || cfg.PublicURL == "" || cfg.RedisURL == "" {
		return "", fmt.Errorf("ATELIER_SLACK_CLIENT_ID, ATELIER_PUBLIC_URL and ATELIER_REDIS_URL are needed: %w", errors.Join(err, errNothingToInstall))
	}
	store, cfg, err := openForTool(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return slack.InstallLink(ctx, store.People, core.SystemClock{}, cfg.PublicURL)
}

var errNothingToInstall = errors.New("there is no Slack app that teams install by themselves")

// withInstalls lets doctor look at the installed teams. release closes what it needed.
func withInstalls(ctx context.Context, cfg Config, o *slack.Options) (release func(), err error) {
	if !cfg.Slack.Installable() {
		return func() {}, nil
	}
	s, err := cfg.store(ctx)
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(ctx, cfg.Keys, s.DB.Workspace, s.People)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	o.OAuth = cfg.Slack.oauth(s, v, func() string { return cfg.PublicURL })
	return func() { _ = errors.Join(v.Close(), s.Close()) }, nil
}

// rewrapInstalls wraps the data keys of the teams' tokens by the first keeper. It returns how many teams there are and how
// many were changed.
func rewrapInstalls(ctx context.Context, v *vault.Vault, s *people.Store) (all, changed int, err error) {
	list, _, err := s.Installs(ctx, core.Slack)
	if err != nil {
		return 0, 0, err
	}
	for _, one := range list {
		did := false
		err := s.ChangeInstall(ctx, core.Slack, one.Team, func(i *core.Install) error {
			if len(i.Token.Text) == 0 {
				return errGone
			}
			token, first, err := v.Rewrap(ctx, i.Token)
			if err != nil {
				return err
			}
			i.Token, did = token, first
			if i.Refresh == nil {
				return nil
			}
			refresh, second, err := v.Rewrap(ctx, *i.Refresh)
			i.Refresh, did = &refresh, did || second
			return err
		})
		switch {
		case errors.Is(err, errGone):
			continue
		case err != nil:
			return all, changed, err
		case did:
			changed++
		}
		all++
	}
	return all, changed, nil
}

// errGone says that a team removed the app meanwhile.
var errGone = errors.New("the install is gone")
