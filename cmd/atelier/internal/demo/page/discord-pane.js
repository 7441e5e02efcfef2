// The Discord side.
import { el, icon, iconButton, local, plural } from './dom.js';
import { glyph, shortName, withGlyphs } from './emoji.js';
import { markdown, spoken } from './markdown.js';
import { attachments, components, embeds } from './discord-message.js';
import { mentions } from './composer.js';
import { CommandForm, matches, paths } from './command-form.js';
import { reactions, tools } from './actions.js';
import { DiscordModal } from './modal.js';
import { Pane } from './pane.js';

const type = { joined: 7, pinned: 6, renamed: 4, threadMade: 18, reply: 19, starter: 21 };
const escaped = (name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const isCard = (m) => m.components.length > 0 || m.embeds.some((e) => e.type === 'rich');

// DiscordPane shows a Discord server as one member sees it.
export class DiscordPane extends Pane {
  constructor(options) {
    super({ kind: 'discord', name: 'Discord', ...options });
    this.replyTo = null;
    this.replyBar = el('div', { class: 'replying', hidden: true });
  }

  adopt(state) {
    this.users = new Map(state.users.map((u) => [u.id, u]));
    this.title.textContent = state.guild.name;
    this.commands = paths(state.commands);
    this.ctx = {
      me: this.me,
      userName: (id) => this.users.get(id)?.name,
      roleName: (id) => state.roles.find((r) => r.id === id)?.name,
      emojiURL: (id) => `${this.platform.base.replace('/control', '')}/cdn/emojis/${id}.png`,
      channelLink: (id) => this.channelLink(id),
      people: () => state.users,
      roles: () => state.roles,
      rooms: () => state.channels.filter((c) => c.type === 0),
    };
    const says = this.threadID ? this.replier : this.composer;
    if (state.failure && state.failure !== this.failure) says.say(state.failure);
    this.failure = state.failure;
  }

  image(id) {
    return this.users.get(id)?.avatar ?? '';
  }

  channel(id) {
    return this.state.channels.find((c) => c.id === id) ?? this.state.threads.find((c) => c.id === id);
  }

  channelLink(id) {
    const c = this.channel(id);
    if (!c) return el('span', { class: 'mention' }, '#unknown');
    const go = () => (c.parent_id && this.state.threads.includes(c) ? this.openThread(id) : this.select({ id }));
    return el('button', { type: 'button', class: 'mention', onclick: go }, `#${c.name}`);
  }

  channels() {
    const room = (c) => ({ id: c.id, name: c.name, icon: c.private ? 'lock' : 'hash' });
    const direct = this.state.channels.filter((c) => c.type === 1).map((c) => {
      const other = (c.recipients ?? []).find((r) => r !== this.me);
      return { id: c.id, name: this.users.get(other)?.name ?? 'Atelier', image: this.image(other), icon: 'bolt' };
    });
    return [{ title: 'Text channels', rooms: this.state.channels.filter((c) => c.type === 0).map(room) }, ...(direct.length ? [{ title: 'Direct messages', rooms: direct }] : [])];
  }

  titles() {
    const c = this.channel(this.channelID);
    const direct = c?.type === 1;
    const name = direct ? '@Atelier' : `#${c?.name ?? ''}`;
    this.composer.input.disabled = c ? !c.can_send : true;
    return { name, label: c && !c.can_send ? 'You do not have permission to send messages here' : `Message ${name}`, heading: [icon(c?.private && !direct ? 'lock' : 'hash', 18), c?.name || 'Atelier'], topic: c?.topic };
  }

  roots() {
    return this.state.threads.filter((t) => t.parent_id === this.channelID).map((t) => t.id);
  }

  items(channelID) {
    const c = this.channel(channelID);
    const out = this.listed(c?.messages ?? [], false);
    if (!out.length) out.push({ id: 'empty', sig: channelID, draw: () => el('div', { class: 'empty' }, el('h4', {}, `Welcome to ${this.titles().name}!`), el('p', {}, c?.topic ?? '')) });
    return out;
  }

  thread(id) {
    const t = this.state.threads.find((x) => x.id === id);
    if (!t) return null;
    const root = this.channel(t.parent_id)?.messages.find((m) => m.id === id);
    const list = t.messages.filter((m) => m.type !== type.starter);
    const parent = this.channel(t.parent_id)?.name ?? '';
    this.replier.input.disabled = !t.can_send || Boolean(t.locked);
    const first = root ? this.listed([root], true) : [];
    const line = { id: 'count', sig: t.archived ? 'archived' : '', draw: () => el('div', { class: 'count' }, t.archived ? 'This thread is archived' : 'Thread') };
    return { heading: t.name, topic: `#${parent}`, placeholder: t.can_send ? 'Message this thread' : 'You cannot write here', items: [...first, line, ...this.listed(list, true)] };
  }

  listed(list, threaded) {
    let before = null;
    return list.map((m) => {
      const joined = before && before.type === 0 && m.type === 0 && !isCard(m) && !isCard(before) && before.author === m.author && before.author_id === m.author_id && before.webhook_id === m.webhook_id && !m.ephemeral && new Date(m.timestamp) - new Date(before.timestamp) < 420000;
      before = m;
      const mine = m.author_id === this.me;
      const editing = this.editing === m.id;
      const t = m.thread_id && !threaded ? this.channel(m.thread_id) : null;
      const quote = t && { name: t.name, n: t.messages.filter((x) => x.type !== type.starter).length, last: t.messages.filter((x) => x.type !== type.starter).pop() };
      const shown = { ...m, avatar: local(m.avatar) };
      return { id: m.id, at: Date.parse(m.timestamp), mine, author: m.author, text: spoken(m.content, this.ctx) || m.embeds[0]?.title, editable: mine && !m.ephemeral,
        sig: editing ? 'editing' : JSON.stringify([shown, joined, threaded, this.me, quote && [quote.name, quote.n, quote.last?.content], this.names(m)]), draw: () => this.message(m, joined, threaded, editing, quote) };
    });
  }

  names(m) {
    return (m.mentions ?? []).map((id) => this.ctx.userName(id));
  }

  message(m, joined, threaded, editing, quote) {
    const system = this.system(m);
    if (system) return el('div', { class: 'system' }, icon(m.type === type.threadMade ? 'thread' : 'bolt', 16), el('span', {}, system), ' ', this.time(Date.parse(m.timestamp)));
    const at = Date.parse(m.timestamp);
    const ctx = { ...this.ctx, everyone: m.mention_everyone,
      press: (c, node) => this.press({ do: 'press', channel: m.channel_id, message: m.id, custom_id: c.custom_id }, node, threaded),
      choose: (c, values, node) => this.press({ do: 'select', channel: m.channel_id, message: m.id, custom_id: c.custom_id, values }, node, threaded) };
    const body = editing
      ? this.editBox(this.readable(m.content), (text) => this.act({ do: 'edit', channel: m.channel_id, message: m.id, text: this.written(text) }))
      : el('div', { class: 'body' }, m.thinking ? el('div', { class: 'thinking' }, el('span', { class: 'dots', 'aria-hidden': 'true' }, el('i'), el('i'), el('i')), `${m.author} is thinking…`) : m.content && el('div', { class: 'line text' }, markdown(m.content, ctx)),
        m.edited && !m.embeds.length && !m.components.length && el('span', { class: 'edited' }, '(edited)'), attachments(m.attachments), embeds(m.embeds, ctx), components(m.components, ctx));
    const pinged = (m.mentions ?? []).includes(this.me) || m.mention_everyone;
    return el('article', { class: `message${joined ? ' joined' : ''}${m.ephemeral ? ' private' : ''}${pinged ? ' pinged' : ''}` },
      (m.reply_to || m.used_by) && this.above(m),
      el('div', { class: 'gutter' }, joined ? this.time(at) : el('img', { class: 'avatar', src: local(m.avatar), alt: '', width: 40, height: 40 })),
      el('div', { class: 'content' },
        !joined && el('div', { class: 'by' }, el('b', {}, m.author), m.bot && el('span', { class: 'badge' }, 'APP'), this.time(at)),
        body,
        reactions(m.reactions.map((r) => ({ name: r.id ? r.emoji : shortName(r.emoji), char: r.emoji, image: r.id ? this.ctx.emojiURL(r.id) : '', users: r.users, mine: Boolean(r.me), key: r.id ? `${r.emoji}:${r.id}` : r.emoji })), (id) => this.users.get(id)?.name ?? 'Somebody',
          (r) => this.try({ do: r.mine ? 'unreact' : 'react', channel: m.channel_id, message: m.id, emoji: r.key }, threaded), (name) => this.react(m, name, threaded)),
        quote && this.chip(m, quote),
        m.ephemeral && el('div', { class: 'only' }, icon('eye', 14), 'Only you can see this • ', el('button', { type: 'button', class: 'plain', onclick: () => this.try({ do: 'delete', channel: m.channel_id, message: m.id }, threaded) }, 'Dismiss message'))),
      !editing && !m.thinking && this.toolsFor(m, threaded));
  }

  system(m) {
    const who = el('b', {}, m.author);
    switch (m.type) {
      case type.threadMade: return [who, ' started a thread: ', el('button', { type: 'button', class: 'link', onclick: () => this.openThread(m.thread_id) }, m.content), '.'];
      case type.pinned: return [who, ' pinned a message to this channel.'];
      case type.renamed: return [who, ' changed the channel name: ', el('b', {}, m.content), '.'];
      case type.joined: return [who, ' joined the server.'];
      default: return null;
    }
  }

  above(m) {
    const r = m.reply_to;
    if (r) return el('div', { class: 'above' }, el('span', { class: 'hook', 'aria-hidden': 'true' }), r.author ? [el('b', {}, r.author), el('span', { class: 'cut' }, spoken(r.text, this.ctx) || 'Click to see attachment')] : el('i', {}, 'Original message was deleted'));
    return el('div', { class: 'above' }, el('span', { class: 'hook', 'aria-hidden': 'true' }), el('img', { src: local(this.image(m.used_by)), alt: '', width: 16, height: 16 }), el('b', {}, this.users.get(m.used_by)?.name ?? 'Somebody'), el('span', { class: 'cut' }, ' used ', el('span', { class: 'usedname' }, `/${m.command ?? ''}`)));
  }

  chip(m, quote) {
    return el('button', { type: 'button', class: 'summary', 'data-focus': 'summary', title: 'Open thread', onclick: () => this.openThread(m.thread_id) },
      el('span', { class: 'chip-top' }, el('b', {}, quote.name), el('span', { class: 'count-link' }, `${plural(quote.n, 'Message', 'Messages')} ›`)),
      el('span', { class: 'cut' }, quote.last ? [el('img', { src: local(quote.last.avatar), alt: '', width: 16, height: 16 }), el('b', {}, quote.last.author), ' ', spoken(quote.last.content, this.ctx) || 'sent a file'] : 'There are no recent messages in this thread.'));
  }

  react(m, name, threaded) {
    const char = glyph(name);
    const on = m.reactions.some((r) => r.emoji.replace('\uFE0F', '') === char.replace('\uFE0F', '') && r.me);
    return this.try({ do: on ? 'unreact' : 'react', channel: m.channel_id, message: m.id, emoji: char }, threaded);
  }

  toolsFor(m, threaded) {
    if (m.ephemeral) return null;
    const mine = m.author_id === this.me;
    const menus = this.state.commands.filter((c) => c.type === 3);
    return tools({
      react: (name) => this.react(m, name, threaded),
      reply: m.thread_id && threaded ? null : () => this.startReply(m, threaded),
      thread: threaded ? null : () => this.startThread(m),
      threadLabel: m.thread_id ? 'Open thread' : 'Create thread',
      edit: mine ? () => this.edit(m.id) : null,
      remove: mine ? () => this.remove({ do: 'delete', channel: m.channel_id, message: m.id }, threaded) : null,
      menu: menus.map((c) => ({ label: c.name, run: () => this.try({ do: 'menu', channel: m.channel_id, message: m.id, command: c.name }, threaded) })),
    }, m.author);
  }

  async startThread(m) {
    if (m.thread_id) return this.openThread(m.thread_id);
    const res = await this.try({ do: 'thread', channel: m.channel_id, message: m.id, text: (spoken(m.content, this.ctx) || 'New thread').slice(0, 40) });
    if (res.error) return undefined;
    await this.refresh();
    return this.openThread(res.thread);
  }

  startReply(m, threaded) {
    this.replyTo = { id: m.id, threaded };
    const composer = threaded ? this.replier : this.composer;
    this.replyBar.replaceChildren(el('span', {}, 'Replying to ', el('b', {}, m.author)), iconButton('close', 'Do not reply', () => this.endReply()));
    this.replyBar.hidden = false;
    composer.root.insertBefore(this.replyBar, composer.field);
    composer.input.focus();
  }

  endReply() {
    this.replyTo = null;
    this.replyBar.hidden = true;
  }

  form() {
    const m = this.state.modal;
    return m && { key: m.interaction_id, show: () => new DiscordModal(this.root, m, { ...this.ctx, act: (action, list) => this.act(action, list) }) };
  }

  // written is what a client sends for what was typed: ids for names, characters for emoji.
  written(text) {
    let out = withGlyphs(text);
    const people = [...this.state.users].sort((a, b) => b.name.length - a.name.length);
    for (const u of people) {
      for (const name of [u.name, u.username]) out = out.replace(new RegExp(`(^|\\s)@${escaped(name)}(?![\\p{L}\\p{N}_])`, 'giu'), `$1<@${u.id}>`);
    }
    return out;
  }

  readable(text) {
    return text.replace(/<@!?(\d+)>/g, (hit, id) => (this.users.has(id) ? `@${this.users.get(id).name}` : hit));
  }

  async send(text, list, threadID) {
    const channel = threadID || this.channelID;
    const reply = this.replyTo?.threaded === Boolean(threadID) ? this.replyTo.id : undefined;
    const res = await this.act({ do: 'say', channel, text: this.written(text), reply_to: reply }, list);
    if (reply && !res.error) this.endReply();
    (threadID ? this.threadFeed : this.feed).bottom();
    return res.error && this.sorry(res);
  }

  suggest(value, caret, threadID) {
    if (!this.state) return null;
    if (/^\/[^\n]*$/.test(value) && caret === value.length) {
      const items = matches(this.commands, value.slice(1)).map(({ command, rest }) => ({ label: `/${command.path}`, hint: command.description, run: () => this.fillIn(command, rest, threadID) }));
      return { from: 0, items };
    }
    const people = this.state.users.map((u) => ({ name: u.name, handle: u.username, title: u.bot ? 'App' : u.username, image: local(u.avatar) }));
    return mentions(value, caret, people, (p) => `@${p.name}`);
  }

  // fillIn puts a command's fields in the composer's place.
  fillIn(command, rest, threadID) {
    const composer = threadID ? this.replier : this.composer;
    const slot = threadID ? this.replySlot : this.slot;
    const channel = () => (threadID ? this.threadID : this.channelID);
    composer.input.value = '';
    composer.typed();
    const form = new CommandForm(command, rest, {
      ...this.ctx,
      complete: async (path, options, focused) => (await this.platform.act({ as: this.me, do: 'autocomplete', channel: channel(), command: path, options, focused })).choices ?? [],
      send: async (path, options, files) => {
        const res = await this.act({ do: 'command', channel: channel(), command: path, options }, files);
        (threadID ? this.threadFeed : this.feed).bottom();
        return res.error && this.sorry(res);
      },
      leave: () => {
        slot.replaceChildren(composer.root);
        composer.input.focus();
      },
    });
    slot.replaceChildren(form.root);
    form.focus();
  }
}
