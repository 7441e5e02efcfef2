package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/atelier-bridge/atelier/core"
)

// homeVerb is the verb whose answer fills the App Home. Its event is handled as that command.
// https://docs.slack.dev/surfaces/app-home
const homeVerb = "home"

// homeOpened is the event that somebody looks at our App Home.
type homeOpened struct {
	User string `json:"user"`
	Tab  string `json:"tab"`
}

// home reads app_home_opened: the home tab asks for its contents.
func (s scope) home(ctx context.Context, env *eventEnvelope) (*core.Inbound, error) {
	var ev homeOpened
	if err := json.Unmarshal(env.Event, &ev); err != nil {
		return nil, fmt.Errorf("slack: app home: %w", err)
	}
	if ev.User == "" || ev.Tab != "" && ev.Tab != "home" {
		return nil, nil // the messages tab is a conversation like any other
	}
	return &core.Inbound{ID: core.InboundID("slack-event-" + env.EventID), Kind: core.InboundCommand, At: time.Unix(env.EventTime, 0).UTC(), Actor: s.i.actor(ctx, s.team, ev.User, ""),
		Command: &core.Command{Surface: core.SurfaceHome, Verb: homeVerb}, Reply: core.ReplyHandle{Kind: core.ReplyHome}}, nil
}

// publish shows a card as somebody's App Home, in place of what was there.
func (a *Adapter) publish(ctx context.Context, d core.Delivery) (core.Receipt, error) {
	team, user, err := parseIdentity(d.To)
	if err != nil {
		return core.Receipt{}, err
	}
	i, err := a.in(ctx, team)
	if err != nil {
		return core.Receipt{}, err
	}
	s := &sending{i: i, d: d, team: team, handles: maps.Clone(d.Handles)}
	msgs, err := s.render(ctx)
	if err != nil {
		return core.Receipt{}, err
	}
	var blocks slackgo.Blocks
	for _, c := range msgs {
		blocks.BlockSet = append(blocks.BlockSet, c.blocks...)
	}
	err = i.do(ctx, "views.publish", "", false, func(ctx context.Context) error {
		_, err := i.api.PublishViewContext(ctx, slackgo.PublishViewContextRequest{UserID: user, View: slackgo.HomeTabViewRequest{Type: slackgo.VTHomeTab, Blocks: blocks}})
		return fromLibrary("views.publish", err)
	})
	return s.receipt(nil), err
}
