// One of the two apps: what both have in common. SlackPane and DiscordPane say what differs.
import { announce, clock, el, fullTime, icon, iconButton, local, reconcile } from './dom.js';
import { Composer, editor } from './composer.js';
import { ask } from './modal.js';
import { Feed } from './feed.js';
import { Platform } from './api.js';

// Below this width of a pane a thread covers its channel; style.css draws the same line.
const beside = 620;

// Pane keeps one person's view of one platform up to date. A subclass gives: adopt(state), channels(), items(channelID), thread(id),
// roots(), form(), send(text, files, threadID), suggest(value, caret, threadID), titles() and pending().
export class Pane {
  constructor({ kind, name, where, personas, persona }) {
    Object.assign(this, { kind, name, personas, persona, channelID: where.room, threadID: '', chosen: false, editing: '', seen: null, knownRoots: null, open: null, stale: false, loading: null });
    this.platform = new Platform(where.base);
    this.build();
  }

  get me() {
    return this.persona[this.kind];
  }

  build() {
    this.title = el('h2', { id: `${this.kind}-title` }, this.name);
    this.side = el('nav', { class: 'side', 'aria-label': `${this.name} channels` });
    this.feed = new Feed(`${this.name}: messages`);
    this.threadFeed = new Feed(`${this.name}: thread`);
    this.composer = new Composer(this.composing(''));
    this.replier = new Composer({ ...this.composing('thread'), extra: this.replyExtra?.() });
    this.slot = el('div', { class: 'slot' }, this.composer.root);
    this.replySlot = el('div', { class: 'slot' }, this.replier.root);
    this.heading = el('h3');
    this.topic = el('p', { class: 'topic' });
    this.threadHeading = el('h3');
    this.threadTopic = el('p', { class: 'topic' });
    this.banner = el('div', { class: 'banner', role: 'status', hidden: true }, 'Connecting again…');
    this.channelBox = el('div', { class: 'channel' }, el('div', { class: 'head' }, el('div', { class: 'grow' }, this.heading, this.topic)), this.feed.root, this.slot);
    this.threadBox = el('section', { class: 'thread', 'aria-label': `${this.name} thread`, hidden: true },
      el('div', { class: 'head' }, iconButton('back', 'Back to the channel', () => this.closeThread(true), { class: 'tool narrow' }), el('div', { class: 'grow' }, this.threadHeading, this.threadTopic),
        iconButton('close', 'Close thread', () => this.closeThread(true), { class: 'tool wide' })),
      this.threadFeed.root, this.replySlot);
    this.root = el('section', { class: `pane ${this.kind}`, id: `pane-${this.kind}`, 'aria-labelledby': `${this.kind}-title` },
      el('div', { class: 'pane-top' }, el('span', { class: 'logo', 'aria-hidden': 'true' }), this.title, el('span', { class: 'grow' }), this.personaSwitch()),
      el('div', { class: 'pane-body' }, this.side, this.channelBox, this.threadBox), this.banner);
    this.dropInto(this.channelBox, () => this.composer);
    this.dropInto(this.threadBox, () => this.replier);
    this.threadBox.addEventListener('keydown', (e) => e.key === 'Escape' && !e.defaultPrevented && this.closeThread(true));
  }

  personaSwitch() {
    const people = this.personas.map((p) => {
      const face = el('span', { class: 'face' });
      p.faces = { ...p.faces, [this.kind]: face };
      return el('label', { title: `${p.name}, ${p.title}` }, el('input', { type: 'radio', name: `who-${this.kind}`, value: p.key, checked: p === this.persona, onchange: () => this.become(p) }), face, el('span', { class: 'first' }, p.name.split(' ')[0]));
    });
    return el('fieldset', { class: 'personas' }, el('legend', {}, 'You are'), people);
  }

  // become changes who one is in this pane.
  become(persona) {
    this.persona = persona;
    this.seen = null;
    this.editing = '';
    this.open?.form.close();
    this.open = null;
    try {
      sessionStorage.setItem(`atelier.${this.kind}`, persona.key);
    } catch {
      // Without storage the choice lasts until reload.
    }
    announce(`You are ${persona.name} in ${this.name} now.`);
    return this.refresh();
  }

  dropInto(box, composer) {
    box.addEventListener('dragover', (e) => {
      if (!e.dataTransfer?.types.includes('Files')) return;
      e.preventDefault();
      box.classList.add('dropping');
    });
    box.addEventListener('dragleave', (e) => !box.contains(e.relatedTarget) && box.classList.remove('dropping'));
    box.addEventListener('drop', (e) => {
      box.classList.remove('dropping');
      if (!e.dataTransfer?.files.length) return;
      e.preventDefault();
      composer().add(e.dataTransfer.files);
    });
  }

  composing(where) {
    const thread = () => (where ? this.threadID : '');
    return { label: 'Message', placeholder: 'Message', send: (text, files) => this.send(text, files, thread()), suggest: (value, caret) => this.suggest(value, caret, thread()),
      empty: () => this.editLast(where ? this.threadFeed : this.feed) };
  }

  // start loads the pane and follows its platform from then on.
  async start() {
    await this.refresh(true);
    this.platform.watch(() => this.refresh(), (ok) => {
      this.banner.hidden = ok;
    });
  }

  // refresh fetches what the person sees. Changes that come meanwhile are fetched once more, not many times.
  async refresh(fresh) {
    if (this.loading) {
      this.stale = true;
      return this.loading;
    }
    this.loading = (async () => {
      do {
        this.stale = false;
        const who = this.me;
        const state = await this.platform.state(who, fresh);
        if (who !== this.me) this.stale = true;
        else if (state) this.render(state);
        else this.banner.hidden = false;
      } while (this.stale);
    })().finally(() => {
      this.loading = null;
    });
    return this.loading;
  }

  render(state) {
    this.state = state;
    this.adopt(state);
    const roots = this.roots();
    if (this.knownRoots?.in === this.channelID && !this.chosen && !this.replier.busy && !this.threadBox.contains(document.activeElement) && this.root.clientWidth > beside) {
      const made = roots.filter((r) => !this.knownRoots.ids.has(r)).pop();
      if (made) this.threadID = made;
    }
    this.knownRoots = { in: this.channelID, ids: new Set(roots) };
    for (const p of this.personas) this.paintFace(p);
    this.paint();
    this.showForm();
  }

  paintFace(p) {
    const src = local(this.image(p[this.kind]));
    const face = p.faces[this.kind];
    if (face.firstChild?.getAttribute('src') !== src) face.replaceChildren(el('img', { src, alt: '', width: 24, height: 24 }));
  }

  // paint shows the state again, after a change of what is selected or edited.
  paint() {
    this.paintSide();
    const t = this.titles();
    this.heading.replaceChildren(...t.heading);
    this.topic.textContent = t.topic ?? '';
    this.composer.retitle(t.label, t.label);
    this.feed.label(`${this.name}: messages in ${t.name}`);
    const items = this.items(this.channelID);
    this.feed.show(items);
    const thread = this.threadID ? this.thread(this.threadID) : null;
    if (this.threadID && !thread) this.threadID = '';
    this.threadBox.hidden = !thread;
    this.root.classList.toggle('with-thread', Boolean(thread));
    if (thread) {
      this.threadHeading.textContent = thread.heading;
      this.threadTopic.textContent = thread.topic ?? '';
      this.replier.retitle(`Reply in the ${this.name} thread`, thread.placeholder);
      this.threadFeed.label(`${this.name}: messages in the thread`);
      this.threadFeed.show(thread.items, false);
    }
    this.tell([...items, ...(thread?.items ?? [])]);
  }

  paintSide() {
    reconcile(this.side, this.channels().map((s) => ({ id: s.title, sig: JSON.stringify([s, this.channelID]), draw: () => el('div', { class: 'group' }, el('p', { class: 'group-name' }, s.title),
      el('ul', {}, s.rooms.map((r) => el('li', {}, el('button', { type: 'button', 'data-focus': r.id, 'data-room': r.id, 'aria-current': r.id === this.channelID ? 'page' : null, onclick: () => this.select(r) }, r.image ? el('img', { src: local(r.image), alt: '' }) : icon(r.icon, 16), el('span', {}, r.name)))))) })));
  }

  // tell reads new messages of others aloud, and marks the tab where they came.
  tell(items) {
    const talk = items.filter((i) => i.author);
    if (this.seen) {
      const fresh = talk.filter((i) => !this.seen.has(i.id));
      fresh.filter((i) => !i.mine).slice(-3).forEach((i) => announce(`${this.name}: ${i.author}: ${i.text ?? ''}`));
      if (fresh.length) this.onnews?.();
    }
    this.seen = new Set([...(this.seen ?? []), ...talk.map((i) => i.id)]);
    if (this.seen.size > 4000) this.seen = new Set(talk.map((i) => i.id));
  }

  // select goes to another channel.
  async select(room) {
    this.channelID = room.id;
    this.threadID = '';
    this.editing = '';
    this.feed.stuck = true;
    await this.entered?.(room);
    this.paint();
    this.composer.input.focus();
  }

  // openThread shows a thread because somebody asked for it.
  openThread(id) {
    this.threadID = id;
    this.chosen = true;
    this.threadFeed.bottom();
    this.paint();
    this.threadFeed.bottom();
    this.replier.input.focus();
  }

  closeThread(chosen) {
    this.chosen ||= chosen;
    this.threadID = '';
    this.paint();
    this.composer.input.focus();
  }

  showForm() {
    const form = this.form();
    if (form && this.open?.key === form.key) return;
    this.open?.form.close();
    this.open = form ? { key: form.key, form: form.show() } : null;
  }

  // act lets the person do something and says what went wrong.
  async act(action, files) {
    const res = await this.platform.act({ as: this.me, ...action }, files);
    this.refresh();
    return res;
  }

  // try acts and shows the trouble above the composer that is nearest.
  async try(action, threaded) {
    const res = await this.act(action);
    if (res.error) (threaded ? this.replier : this.composer).say(this.sorry(res));
    return res;
  }

  // sorry words an error for the person.
  sorry(res) {
    return res.error;
  }

  // press acts on a control that shows that it is busy meanwhile.
  async press(action, node, threaded) {
    node?.classList.add('busy');
    node?.setAttribute('aria-busy', 'true');
    const res = await this.try(action, threaded);
    node?.classList.remove('busy');
    node?.removeAttribute('aria-busy');
    return res;
  }

  edit(id) {
    this.editing = id;
    this.paint();
  }

  editLast(feed) {
    const items = feed === this.feed ? this.items(this.channelID) : this.thread(this.threadID)?.items ?? [];
    const last = items.filter((i) => i.editable).pop();
    if (last) this.edit(last.id);
  }

  // editBox stands in for a message's content while it is edited.
  editBox(text, save) {
    const done = () => {
      this.edit('');
    };
    return editor(text, async (changed) => {
      const res = changed ? await save(changed) : { error: 'Write something, or delete the message.' };
      if (!res.error) done();
      return res.error && this.sorry(res);
    }, done);
  }

  // remove asks, then deletes.
  remove(action, threaded) {
    ask(this.root, { title: 'Delete message', text: 'Are you sure you want to delete this message? This cannot be undone.', confirm: 'Delete', yes: () => this.try(action, threaded) });
  }

  // time draws when something was said.
  time(ms) {
    return el('time', { datetime: new Date(ms).toISOString(), title: fullTime(ms) }, clock(ms));
  }
}
