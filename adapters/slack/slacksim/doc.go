// Package slacksim is a Slack to develop against: the Web API, the Events API over Socket Mode and over signed HTTP,
// files, modals, and people who talk, react and press buttons. It keeps Slack's habits, the awkward ones included:
// the bot's own messages come back as events, a reply to a vanished root lands in the channel, a root changes when
// it is replied to, file shares appear after the upload has answered, trigger ids die after three seconds.
//
// It speaks to any client that can be given another API root; it imports no Slack SDK. People act through
// [Server.Act] or the same over HTTP below /control/, and trouble is switched on with [Server.Fault].
package slacksim
