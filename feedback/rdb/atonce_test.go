package rdb

import (
	"context"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// TestAllAtOnce: a call that counts in several buckets takes its places in one round trip while all are free.
func TestAllAtOnce(t *testing.T) {
	db, count := open(t)
	l := &Limiter{DB: db, Clock: newGate()}
	l.Learn(t.Context(), "room", 2, time.Minute)
	l.Learn(t.Context(), "all", 5, time.Minute)
	if err := l.Wait(t.Context(), "hidden", "room", "all"); err != nil { // makes the script known to the server
		t.Fatal(err)
	}
	count.take()
	if err := l.Wait(t.Context(), "hidden", "room", "all"); err != nil {
		t.Fatal(err)
	}
	if n := count.take(); n != 0 {
		t.Errorf("%d questions beside the one for all", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := l.Wait(ctx, "room"); core.RetryAfter(err) == 0 {
		t.Errorf("places were taken that nobody counted: %v", err)
	}
}

// TestNothingIsKeptOfPlaces: where one bucket has no place, none is kept in the others, unless somebody stands behind it.
func TestNothingIsKeptOfPlaces(t *testing.T) {
	db, _ := open(t)
	l := &Limiter{DB: db, Clock: newGate()}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := l.Wait(ctx, "any"); err != nil { // makes the script known to the server
		t.Fatal(err)
	}
	l.Learn(ctx, "all", 1, time.Minute)
	l.Limited(ctx, "room", time.Hour)
	if l.atOnce(ctx, []string{"all", "room"}) {
		t.Fatal("a closed bucket had a place")
	}
	if err := l.Wait(ctx, "room", "all"); core.RetryAfter(err) != time.Hour {
		t.Fatal(err)
	}
	if err := l.Wait(ctx, "all"); err != nil {
		t.Fatalf("a place was kept: %v", err)
	}
	key := db.Keys.Bucket("all")
	booked := db.Client.HGet(ctx, key, "tat").Val()
	l.giveBack(ctx, map[string]int64{"all": l.Clock.Now().UnixMicro()}) // somebody has booked behind it
	if now := db.Client.HGet(ctx, key, "tat").Val(); now != booked {
		t.Errorf("booked up to %s, then %s", booked, now)
	}
}

// TestAllAtOnceOvertakesNobody: who counts in several buckets stands behind those that wait in one of them.
func TestAllAtOnceOvertakesNobody(t *testing.T) {
	db, _ := open(t)
	clock := newGate()
	l := &Limiter{DB: db, Clock: clock}
	l.Learn(t.Context(), "room", 1, time.Second)
	if err := l.Wait(t.Context(), "room"); err != nil {
		t.Fatal(err)
	}
	order := make(chan string, 2)
	go func() {
		if err := l.Wait(t.Context(), "room"); err != nil {
			t.Error(err)
		}
		order <- "first"
	}()
	<-clock.changed // it sleeps until its place is due
	clock.changed <- struct{}{}
	if l.atOnce(t.Context(), []string{"all", "room"}) {
		t.Fatal("somebody was overtaken")
	}
	go func() {
		if err := l.Wait(t.Context(), "room", "all"); err != nil {
			t.Error(err)
		}
		order <- "second"
	}()
	clock.next()
	if who := <-order; who != "first" {
		t.Fatalf("%s came first", who)
	}
	clock.next()
	<-order
}
