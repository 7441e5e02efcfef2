// Drives the simulated Slack with Slack's own JavaScript SDK: connect, slash command, post, history, upload, button,
// modal. People act through /control/act. Exits 0 and prints "slack: ok" when every step went as on real Slack.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const env = process.env;
const require = createRequire(join(env.ATELIER_JS_CLIENTS ?? import.meta.dirname, 'package.json'));
const { WebClient, LogLevel } = require('@slack/web-api');
const { SocketModeClient } = require('@slack/socket-mode');

const options = { slackApiUrl: env.SLACK_API_URL, retryConfig: { retries: 0 }, logLevel: LogLevel.ERROR };
const web = new WebClient(env.SLACK_BOT_TOKEN, options);
const socket = new SocketModeClient({ appToken: env.SLACK_APP_TOKEN, clientOptions: options, logLevel: LogLevel.ERROR });
const channel = env.SLACK_CHANNEL;
const as = env.SLACK_USER;

setTimeout(() => { console.error('slack: timed out'); process.exit(1); }, 40_000).unref();

// One waiter per thing that must happen; each may happen before it is waited for.
const seen = new Map();
const slot = (name) => {
  if (!seen.has(name)) seen.set(name, Promise.withResolvers ? Promise.withResolvers() : defer());
  return seen.get(name);
};
function defer() {
  const d = {};
  d.promise = new Promise((resolve, reject) => Object.assign(d, { resolve, reject }));
  return d;
}

async function act(action) {
  const r = await fetch(`${env.SLACK_CONTROL}/act`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ as, channel, ...action }),
  });
  const body = await r.json();
  assert.equal(r.status, 200, JSON.stringify(body));
  return body;
}

const plain = (text) => ({ type: 'plain_text', text });
const modal = {
  type: 'modal', callback_id: 'note', title: plain('Note'), submit: plain('Send'),
  blocks: [{ type: 'input', block_id: 'note', label: plain('Note'), element: { type: 'plain_text_input', action_id: 'text' } }],
};

socket.on('slash_commands', async ({ ack, body }) => {
  await ack({ text: 'on it' });
  slot('command').resolve(body);
});
socket.on('message', async ({ ack, event }) => {
  await ack();
  slot(event.subtype ?? `message ${event.text}`).resolve(event);
});
socket.on('app_mention', async ({ ack, event }) => { await ack(); slot('mention').resolve(event); });
let submissions = 0;
socket.on('interactive', async ({ ack, body }) => {
  if (body.type === 'view_submission') {
    await ack(submissions++ === 0 ? { response_action: 'errors', errors: { note: 'say more' } } : undefined);
    slot(`submission ${submissions}`).resolve(body);
    return;
  }
  await ack();
  slot(body.type).resolve(body);
});

await socket.start();
const me = await web.auth.test();
assert.ok(me.bot_id && me.user_id);

const said = await act({ do: 'command', command: '/imagine', text: 'a fox' });
assert.equal(said.ok, true, JSON.stringify(said));
const command = await slot('command').promise;
assert.equal(command.text, 'a fox');
const used = await fetch(command.response_url, {
  method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ response_type: 'in_channel', text: 'here you are' }),
});
assert.equal(await used.text(), 'ok');
await slot('message here you are').promise;

const post = await web.chat.postMessage({
  channel, text: 'a card', metadata: { event_type: 'op', event_payload: { id: '1' } },
  blocks: [{ type: 'section', text: { type: 'mrkdwn', text: '*card*' } }, { type: 'actions', elements: [{ type: 'button', action_id: 'go', value: 'v1', text: plain('Go') }] }],
});
const echo = await slot('message a card').promise;
assert.equal(echo.ts, post.ts);
assert.equal(echo.bot_id, me.bot_id);

const mention = await act({ do: 'say', thread_ts: post.ts, text: `<@${me.user_id}> approve` });
assert.equal((await slot('mention').promise).ts, mention.ts);
await slot('message_changed').promise;
const replies = await web.conversations.replies({ channel, ts: post.ts, include_all_metadata: true });
assert.equal(replies.messages.length, 2);
assert.equal(replies.messages[0].metadata.event_payload.id, '1');
await web.reactions.add({ channel, timestamp: mention.ts, name: 'eyes' });
await assert.rejects(web.reactions.add({ channel, timestamp: mention.ts, name: 'eyes' }), /already_reacted/);

const picture = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==', 'base64');
await web.filesUploadV2({ channel_id: channel, thread_ts: post.ts, filename: 'dot.png', file: picture, initial_comment: 'a dot' });
const share = await slot('file_share').promise;
assert.equal(share.thread_ts, post.ts);
const bytes = await fetch(share.files[0].url_private, { headers: { Authorization: `Bearer ${env.SLACK_BOT_TOKEN}` } });
assert.deepEqual(Buffer.from(await bytes.arrayBuffer()), picture);

await act({ do: 'press', ts: post.ts, action_id: 'go' });
const press = await slot('block_actions').promise;
assert.equal(press.actions[0].value, 'v1');
const view = await web.views.open({ trigger_id: press.trigger_id, view: modal });
assert.equal(view.view.callback_id, 'note');
const values = { note: { text: 'hello' } };
const refused = await act({ do: 'submit', values });
assert.equal(refused.view_errors.note, 'say more');
const accepted = await act({ do: 'submit', values });
assert.equal(accepted.ok, true);
const submission = await slot('submission 2').promise;
assert.equal(submission.view.state.values.note.text.value, 'hello');

await web.chat.update({ channel, ts: post.ts, text: 'done' });
await web.chat.delete({ channel, ts: post.ts });
await assert.rejects(web.chat.update({ channel, ts: post.ts, text: 'x' }), /message_not_found/);

await socket.disconnect();
console.log('slack: ok');
process.exit(0);
