// The Slack side.
import { el, icon, local, plural, clock } from './dom.js';
import { glyph } from './emoji.js';
import { editable, mrkdwn, spoken } from './mrkdwn.js';
import { attachments, blocks, files } from './slack-blocks.js';
import { mentions } from './composer.js';
import { reactions, tools } from './actions.js';
import { ask, SlackModal } from './modal.js';
import { Pane } from './pane.js';

const systemLines = ['channel_join', 'channel_leave', 'channel_topic', 'channel_purpose', 'channel_name', 'pinned_item', 'bot_add'];
const sentences = {
  operation_timeout: 'This app did not answer in time. Please try again.', not_supported_in_threads: 'Slash commands are not supported in threads. Sorry!', unknown_command: 'That is not a valid command.',
  no_text: 'Write something first.', too_many_emoji: 'There are too many reactions on this message.', already_reacted: 'You have reacted with that already.', cant_update_message: 'You can only edit your own messages.',
  cant_delete_message: 'You can only delete your own messages.', message_not_found: 'That message is gone.', file_upload_size_restricted: 'That file is too large.',
};
const millis = (ts) => Math.floor(Number(ts) * 1000);

const isCard = (m) => Boolean(m.bot_id) && (m.blocks ?? []).some((b) => b.type === 'header' || b.type === 'actions');

// SlackPane shows a Slack team as one member sees it.
export class SlackPane extends Pane {
  constructor(options) {
    super({ kind: 'slack', name: 'Slack', ...options });
    this.verbs = options.verbs ?? [];
  }

  replyExtra() {
    this.alsoBox = el('input', { type: 'checkbox' });
    this.alsoText = el('span', {}, 'Also send to channel');
    return el('label', { class: 'also' }, this.alsoBox, this.alsoText);
  }

  adopt(state) {
    this.users = new Map(state.users.map((u) => [u.id, u]));
    this.title.textContent = state.team.name;
    this.ctx = {
      me: this.me,
      userName: (id) => this.nameOf(id),
      handle: (id) => this.users.get(id)?.name,
      channelName: (id) => state.channels.find((c) => c.id === id)?.name,
      people: () => state.users.filter((u) => !u.deleted).map((u) => ({ id: u.id, name: this.nameOf(u.id) })),
      rooms: () => state.channels.filter((c) => !c.is_im).map((c) => ({ id: c.id, name: c.name })),
      file: (f) => (f.id ? `${this.platform.base}/file/${f.id}` : local(f.url)),
    };
  }

  nameOf(id) {
    const u = this.users?.get(id);
    return u ? u.display_name || u.real_name || u.name : '';
  }

  image(id) {
    return this.users.get(id)?.image ?? '';
  }

  get direct() {
    return this.state.channels.find((c) => c.is_im && c.members.includes(this.state.bot_user_id));
  }

  room(id) {
    if (id === this.state.bot_user_id) return this.direct;
    return this.state.channels.find((c) => c.id === id);
  }

  channels() {
    const rooms = this.state.channels.filter((c) => !c.is_im).map((c) => ({ id: c.id, name: c.name, icon: c.is_private ? 'lock' : 'hash' }));
    const bot = this.users.get(this.state.bot_user_id);
    const app = { id: this.state.bot_user_id, name: bot ? bot.real_name || bot.name : 'Atelier', image: bot?.image, icon: 'bolt' };
    return [{ title: 'Channels', rooms: rooms }, { title: 'Apps', rooms: [app] }];
  }

  async entered(room) {
    if (room.id === this.state.bot_user_id) await this.act({ do: 'home' });
  }

  titles() {
    const c = this.room(this.channelID);
    const app = this.channelID === this.state.bot_user_id;
    const name = app ? 'Atelier' : `#${c?.name ?? ''}`;
    this.alsoText.textContent = `Also send to ${name}`;
    return { name, label: `Message ${name}`, heading: app ? ['Atelier'] : [icon(c?.is_private ? 'lock' : 'hash', 16), c?.name ?? ''], topic: app ? 'App' : c?.topic || c?.purpose };
  }

  roots() {
    const c = this.room(this.channelID);
    return (c?.messages ?? []).filter((m) => m.bot_id && (m.blocks ?? []).some((b) => b.type === 'header')).map((m) => m.ts);
  }

  items(channelID) {
    const c = this.room(channelID);
    const list = [...(c?.messages ?? []), ...this.state.ephemerals.filter((m) => m.channel === c?.id && !m.thread_ts)].sort((a, b) => Number(a.ts) - Number(b.ts));
    const out = this.listed(list, false);
    if (channelID === this.state.bot_user_id && this.state.home) {
      const home = this.state.home;
      out.unshift({ id: 'home', sig: home.hash, draw: () => el('div', { class: 'home' }, blocks(home.view.blocks, { ...this.ctx, act: (block, e, value, node) => this.press({ do: e.type === 'button' ? 'press' : 'select', view_id: home.id, block_id: block.block_id, action_id: e.action_id, value }, node) })) });
    }
    if (!out.length) out.push({ id: 'empty', sig: channelID, draw: () => el('div', { class: 'empty' }, el('h4', {}, c ? `This is the very beginning of ${this.titles().name}` : 'Nothing here yet'), el('p', {}, c?.purpose ?? '')) });
    return out;
  }

  rootOf(ts) {
    return this.room(this.channelID)?.messages.find((m) => m.ts === ts);
  }

  thread(ts) {
    const root = this.rootOf(ts);
    if (!root) return null;
    const c = this.room(this.channelID);
    const replies = [...(root.replies ?? []), ...this.state.ephemerals.filter((m) => m.channel === c.id && m.thread_ts === ts)].sort((a, b) => Number(a.ts) - Number(b.ts));
    const n = root.replies?.length ?? 0;
    const first = this.listed([root], true);
    const line = { id: 'count', sig: String(n), draw: () => el('div', { class: n ? 'count' : 'count none' }, n ? plural(n, 'reply', 'replies') : 'No replies yet') };
    return { heading: 'Thread', topic: this.titles().name, placeholder: 'Reply…', items: [...first, line, ...this.listed(replies, true)] };
  }

  listed(list, threaded) {
    let before = null;
    return list.map((m) => {
      const joined = before && !before.subtype && !m.subtype && !m.for && !before.for && !isCard(m) && !isCard(before) && before.user === m.user && before.author_name === m.author_name && Number(m.ts) - Number(before.ts) < 300;
      before = m;
      const { replies, metadata, ...shown } = m;
      const faces = threaded ? [] : [...new Map((replies ?? []).map((r) => [r.author_name, local(r.author_icon)])).values()].filter(Boolean).slice(0, 4);
      const editing = this.editing === m.ts;
      const mine = m.user === this.me && !m.bot_id;
      return { id: m.ts, at: millis(m.ts), mine, author: m.author_name, text: spoken(m.text, this.ctx), editable: mine && !m.for && m.subtype !== 'tombstone',
        sig: editing ? 'editing' : JSON.stringify([shown, faces, joined, threaded, this.me]), draw: () => this.message(m, joined, threaded, editing, faces) };
    });
  }

  message(m, joined, threaded, editing, faces) {
    if (m.subtype === 'tombstone') return this.gone(m, threaded, faces);
    if (systemLines.includes(m.subtype)) return el('div', { class: 'system' }, el('b', {}, m.author_name), ' ', mrkdwn(m.text, this.ctx));
    const ctx = { ...this.ctx, act: (block, e, value, node) => this.use(m, block, e, value, node, threaded) };
    const body = editing
      ? this.editBox(editable(m.text, this.ctx), (text) => this.act({ do: 'edit', channel: m.channel, ts: m.ts, text }))
      : el('div', { class: 'body' }, m.blocks?.length ? blocks(m.blocks, ctx) : el('div', { class: 'line' }, mrkdwn(m.text, this.ctx)), attachments(m.attachments, ctx), files(m.files, m.file_urls), m.edited && el('span', { class: 'edited' }, '(edited)'));
    const picture = m.author_emoji ? el('span', { class: 'avatar emoji' }, glyph(m.author_emoji.replaceAll(':', ''))) : el('img', { class: 'avatar', src: local(m.author_icon), alt: '', width: 36, height: 36 });
    return el('article', { class: `message${joined ? ' joined' : ''}${m.for ? ' private' : ''}${this.pinged(m) ? ' pinged' : ''}` },
      el('div', { class: 'gutter' }, joined ? this.time(millis(m.ts)) : picture),
      el('div', { class: 'content' },
        m.for && el('div', { class: 'only' }, icon('eye', 14), 'Only visible to you'),
        m.subtype === 'thread_broadcast' && el('div', { class: 'only' }, threaded ? 'Also sent to the channel' : 'Replied to a thread'),
        !joined && el('div', { class: 'by' }, el('b', {}, m.author_name), m.is_app && el('span', { class: 'badge' }, 'APP'), this.time(millis(m.ts))),
        body,
        reactions((m.reactions ?? []).map((r) => ({ name: r.name, char: glyph(r.name), users: r.users, mine: r.users.includes(this.me) })), (id) => this.nameOf(id),
          (r) => this.try({ do: r.mine ? 'unreact' : 'react', channel: m.channel, ts: m.ts, emoji: r.name }, threaded), (name) => this.react(m, name, threaded)),
        !threaded && this.summary(m, faces)),
      !editing && this.toolsFor(m, threaded));
  }

  pinged(m) {
    return m.user !== this.me && (m.text ?? '').includes(`<@${this.me}>`);
  }

  gone(m, threaded, faces) {
    return el('article', { class: 'message tombstone' }, el('div', { class: 'gutter' }, icon('trash', 18)), el('div', { class: 'content' }, el('div', { class: 'line' }, 'This message was deleted.'), !threaded && this.summary(m, faces)));
  }

  summary(m, faces) {
    if (!m.reply_count) return null;
    return el('button', { type: 'button', class: 'summary', 'data-focus': 'summary', onclick: () => this.openThread(m.ts) },
      faces.map((src) => el('img', { src, alt: '', width: 22, height: 22 })), el('b', {}, plural(m.reply_count, 'reply', 'replies')),
      m.latest_reply && el('span', { class: 'muted' }, `Last reply ${clock(millis(m.latest_reply))}`));
  }

  react(m, name, threaded) {
    const on = (m.reactions ?? []).some((r) => r.name === name && r.users.includes(this.me));
    return this.try({ do: on ? 'unreact' : 'react', channel: m.channel, ts: m.ts, emoji: name }, threaded);
  }

  toolsFor(m, threaded) {
    if (m.for) return null;
    const mine = m.user === this.me && !m.bot_id;
    return tools({
      react: (name) => this.react(m, name, threaded),
      thread: threaded ? null : () => this.openThread(m.thread_ts || m.ts),
      edit: mine ? () => this.edit(m.ts) : null,
      remove: mine ? () => this.remove({ do: 'delete', channel: m.channel, ts: m.ts }, threaded) : null,
      menu: this.state.shortcuts.map((s) => ({ label: s.name, run: () => this.try({ do: 'shortcut', channel: m.channel, ts: m.ts, callback_id: s.callback_id }, threaded) })),
    }, m.author_name);
  }

  // use presses a button or takes a choice; a confirmation is asked for where the app wants one.
  use(m, block, e, value, node, threaded) {
    const go = () => this.press({ do: e.type === 'button' ? 'press' : 'select', channel: m.channel, ts: m.ts, block_id: block.block_id, action_id: e.action_id, value }, node, threaded);
    if (!e.confirm) return go();
    const c = e.confirm;
    return ask(this.root, { title: c.title?.text ?? 'Are you sure?', text: mrkdwn(c.text?.text ?? '', this.ctx), confirm: c.confirm?.text, deny: c.deny?.text, yes: go });
  }

  form() {
    const v = this.state.view;
    return v && { key: `${v.id}/${v.hash}`, show: () => new SlackModal(this.root, v, { ...this.ctx, act: (action, list) => this.act(action, list) }) };
  }

  async send(text, list, threadTS) {
    const slash = /^(\/[\w-]+)(?:\s+([\s\S]*))?$/.exec(text);
    if (slash && !list.length) {
      const res = await this.act({ do: 'command', channel: this.channelID, command: slash[1], text: slash[2] ?? '', thread_ts: threadTS || undefined });
      if (res.error === 'not_supported_in_threads') return `${slash[1]} is not supported in threads. Sorry!`;
      if (res.error === 'unknown_command') return `${slash[1]} is not a valid command. In Slack, all messages that start with the "/" character are interpreted as commands.`;
      return res.error && this.sorry(res);
    }
    const res = await this.act({ do: 'say', channel: this.channelID, text, thread_ts: threadTS || undefined, broadcast: Boolean(threadTS) && this.alsoBox.checked }, list);
    this.alsoBox.checked = false;
    (threadTS ? this.threadFeed : this.feed).bottom();
    return res.error && this.sorry(res);
  }

  sorry(res) {
    return sentences[res.error] ?? `That did not work: ${res.error}`;
  }

  suggest(value, caret, threadTS) {
    if (!this.state) return null;
    const head = value.slice(0, caret);
    if (!threadTS && /^\/\S*$/.test(head)) {
      return { from: 0, items: this.state.commands.filter((c) => c.name.startsWith(head)).map((c) => ({ text: `${c.name} `, label: `${c.name} ${c.usage_hint ?? ''}`, hint: c.description })) };
    }
    const verb = /^\/atelier\s+([a-z ]*)$/.exec(head) ?? (threadTS && /^@atelier\s+([a-z ]*)$/i.exec(head));
    if (verb && (!threadTS || verb[0].startsWith('@'))) {
      return { from: caret - verb[1].length, items: this.verbs.filter((v) => v.verb.startsWith(verb[1])).map((v) => ({ text: `${v.verb} `, label: v.verb, hint: v.help })) };
    }
    const people = this.state.users.map((u) => ({ name: u.display_name || u.real_name || u.name, handle: u.name, title: u.title || (u.is_bot ? 'App' : ''), image: local(u.image) }));
    return mentions(value, caret, people, (p) => `@${p.handle}`);
  }
}
