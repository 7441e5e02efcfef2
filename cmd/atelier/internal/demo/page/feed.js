// A list of messages that stays at its end while one reads there, and stays put while one reads above.
import { el, dayName, reconcile } from './dom.js';

// An item is {id, at, sig, draw}: when it was, what it looks like in one string, and how to draw it.

// Feed is one scrolling list.
export class Feed {
  constructor(label) {
    this.list = el('div', { class: 'messages' });
    this.root = el('div', { class: 'feed', role: 'region', 'aria-label': label, tabindex: '0' }, el('div', { class: 'spacer' }), this.list);
    this.stuck = true;
    this.root.addEventListener('scroll', () => {
      this.stuck = this.root.scrollHeight - this.root.scrollTop - this.root.clientHeight < 48;
    }, { passive: true });
    const follow = new ResizeObserver(() => this.stuck && this.bottom());
    follow.observe(this.list);
    follow.observe(this.root);
  }

  // bottom goes to the newest message.
  bottom() {
    this.stuck = true;
    this.root.scrollTop = this.root.scrollHeight;
  }

  // label names the list for those who cannot see it.
  label(text) {
    this.root.setAttribute('aria-label', text);
  }

  // show makes the list match the items; days are divided where the caller wants it.
  show(items, days = true) {
    const out = [];
    let day = '';
    for (const item of items) {
      const d = item.at ? new Date(item.at).toDateString() : day;
      if (days && d !== day) {
        const at = item.at;
        out.push({ id: `day:${d}`, sig: dayName(at), draw: () => el('div', { class: 'day' }, el('span', {}, dayName(at))) });
        day = d;
      }
      out.push(item);
    }
    reconcile(this.list, out);
    if (this.stuck) this.bottom();
  }
}
