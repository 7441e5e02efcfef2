package slacksim

import (
	"encoding/json"
	"net/url"
	"sync"
	"time"
)

const (
	kindEvent   = "events_api"
	kindCommand = "slash_commands"
	kindAction  = "interactive"

	// maxQueued bounds the events that wait for the app; Slack too stops at some point.
	maxQueued = 30000
)

// delivery is one payload on its way to the app.
type delivery struct {
	kind    string
	order   string // deliveries of one order start one after the other
	body    json.RawMessage
	form    url.Values // what HTTP mode sends instead, for commands and interactions
	accepts bool       // an acknowledgement may carry an answer
	created time.Time
	attempt int
	reason  string
	answer  chan reply // commands and interactions; nil for events
}

// reply is what the app said to a command or interaction.
type reply struct {
	err     string
	payload json.RawMessage
	text    string
}

// settle answers a command or interaction once; later calls are ignored.
func (d *delivery) settle(r reply) {
	if d.answer == nil {
		return
	}
	select {
	case d.answer <- r:
	default:
	}
}

// dispatcher queues events per conversation and gives each its attempts.
type dispatcher struct {
	s      *Server
	mu     sync.Mutex
	queues map[string][]*delivery
	queued int
	held   *delivery // by a reorder fault
}

func newDispatcher(s *Server) *dispatcher { return &dispatcher{s: s, queues: map[string][]*delivery{}} }

// event queues an event. The server's lock is held.
func (p *dispatcher) event(order string, env obj) {
	list := []obj{env}
	if f := p.s.takeFault("duplicate", "", order); f != nil {
		twin := env
		if f.Mode == "new_event_id" {
			twin = p.s.envelope(env["event"].(obj))
		}
		list = append(list, twin)
	}
	for _, e := range list {
		body, err := json.Marshal(e)
		if err != nil {
			p.s.opt.Log.Error("event cannot be encoded", "error", err)
			return
		}
		p.queue(&delivery{kind: kindEvent, order: order, body: body, created: time.Now()})
	}
}

func (p *dispatcher) queue(d *delivery) {
	p.mu.Lock()
	held := p.held
	p.held = nil
	p.mu.Unlock()
	if held == nil && p.s.takeFault("reorder", "", d.order) != nil {
		p.mu.Lock()
		p.held = d
		p.mu.Unlock()
		// With nothing behind it, an event is late but not lost.
		p.s.goRun(func() {
			if p.s.pause(2 * time.Second) {
				p.release(d)
			}
		})
		return
	}
	p.push(d)
	if held != nil {
		p.push(held)
	}
}

func (p *dispatcher) release(d *delivery) {
	p.mu.Lock()
	mine := p.held == d
	if mine {
		p.held = nil
	}
	p.mu.Unlock()
	if mine {
		p.push(d)
	}
}

func (p *dispatcher) push(d *delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queued >= maxQueued {
		p.s.opt.Log.Warn("event dropped: the app does not keep up", "order", d.order)
		return
	}
	p.queued++
	q, running := p.queues[d.order]
	p.queues[d.order] = append(q, d)
	if !running {
		p.s.goRun(func() { p.run(d.order) })
	}
}

func (p *dispatcher) run(order string) {
	for p.s.ctx.Err() == nil {
		p.mu.Lock()
		q := p.queues[order]
		if len(q) == 0 {
			delete(p.queues, order)
			p.mu.Unlock()
			return
		}
		d := q[0]
		p.queues[order] = q[1:]
		p.queued--
		p.mu.Unlock()
		p.attempt(d)
	}
}

// attempt makes one attempt. It returns when the next event of the same conversation may start.
func (p *dispatcher) attempt(d *delivery) {
	p.s.mu.Lock()
	target := p.s.opt.EventsURL
	p.s.mu.Unlock()
	if target == "" {
		if !p.s.hub.deliver(d, d.created.Add(p.s.opt.AckTimeout)) {
			p.retry(d, "connection_failed")
		}
		return
	}
	done := make(chan struct{})
	p.s.goRun(func() {
		defer close(done)
		reason, again := p.s.postEvent(target, d)
		if reason != "" && again {
			p.retry(d, reason)
		}
	})
	// Slack sends on without waiting for an answer; the short wait keeps quick apps in order.
	t := time.NewTimer(250 * time.Millisecond)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	case <-p.s.ctx.Done():
	}
}

// retry plans the next attempt of an event, or gives it up.
func (p *dispatcher) retry(d *delivery, reason string) {
	if d.kind != kindEvent {
		d.settle(reply{err: "operation_timeout"})
		return
	}
	if d.attempt >= len(p.s.opt.RetryIntervals) {
		p.s.opt.Log.Warn("event given up", "order", d.order, "attempts", d.attempt+1)
		return
	}
	next := *d
	next.attempt++
	next.reason = reason
	wait := p.s.opt.RetryIntervals[d.attempt]
	p.s.goRun(func() {
		if wait > 0 && !p.s.pause(wait) {
			return
		}
		next.created = time.Now()
		p.attempt(&next)
	})
}
