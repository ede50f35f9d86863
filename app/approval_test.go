package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/approve"
	"latchkey/internal/client"
	"latchkey/internal/fault"
)

// asker is a window whose dialogs a test answers.
type asker struct {
	listener
	shown   chan string
	answers chan bool
}

func (k *asker) Ask(text string) (bool, error) {
	k.shown <- text
	return <-k.answers, nil
}

// asked returns an App with a window that asks, on the time of the bubble.
func asked(t *testing.T) (*App, *asker) {
	t.Helper()
	a := New(Options{Log: slog.New(slog.DiscardHandler)})
	k := &asker{listener: listener{changes: make(chan struct{}, 1)}, shown: make(chan string, 1), answers: make(chan bool)}
	Attach(t.Context(), a, k)
	return a, k
}

// newWallet is the question about a request with a name of the caller's choice.
func newWallet(t *testing.T, name string) client.Question {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"type": "ACTIVITY_TYPE_DELETE_WALLETS", "organizationId": "7a1d1c9e-0000-4000-8000-000000000001", "timestampMs": "1764547200000",
		"parameters": map[string]any{"walletIds": []string{name}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := approve.Describe("/public/v1/submit/delete_wallets", body)
	if err != nil {
		t.Fatal(err)
	}
	return client.Question{Summary: s, Asked: time.Now()}
}

// answer is what came of a question that was put beside others.
type answer struct {
	got client.Answer
	err error
}

func put(ctx context.Context, a *App, q client.Question) <-chan answer {
	done := make(chan answer, 1)
	go func() {
		got, err := a.approve(ctx, q)
		done <- answer{got, err}
	}()
	return done
}

func TestAYesCountsWhenTheQuestionCouldBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, k := asked(t)
		q := newWallet(t, "one")
		done := put(t.Context(), a, q)
		<-k.shown
		time.Sleep(100 * time.Millisecond)
		k.answers <- true
		<-k.shown // again: that was a key press for something else
		time.Sleep(seenFirst)
		k.answers <- true
		if x := <-done; x.err != nil || x.got != q.Consent(client.Typed) {
			t.Errorf("%+v, %v", x.got, x.err)
		}
		done = put(t.Context(), a, q)
		<-k.shown
		k.answers <- false // a no counts at once
		if x := <-done; x.err != nil || x.got.Yes {
			t.Errorf("a no: %+v, %v", x.got, x.err)
		}
	})
}

func TestTheWaitForItsTurnIsNoTimeToReadAQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, k := asked(t)
		first, second := newWallet(t, "one"), newWallet(t, "two")
		one := put(t.Context(), a, first)
		<-k.shown
		two := put(t.Context(), a, second)
		time.Sleep(time.Minute) // the second waits, unseen
		k.answers <- true
		<-one
		<-k.shown
		k.answers <- true // the second click of a double click
		synctest.Wait()
		select {
		case <-k.shown: // again
		case x := <-two:
			t.Fatalf("stamped unread: %+v, %v", x.got, x.err)
		}
		time.Sleep(seenFirst)
		k.answers <- true
		if x := <-two; x.err != nil || x.got != second.Consent(client.Typed) {
			t.Errorf("the second: %+v, %v", x.got, x.err)
		}
	})
}

func TestOneDialogAtATimeAndNoAnswerForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, k := asked(t)
		first, second := newWallet(t, "one"), newWallet(t, "two")
		limited, cancel := context.WithTimeout(t.Context(), approve.Patience)
		defer cancel()
		one := put(limited, a, first)
		text := <-k.shown
		if !strings.Contains(text, first.Summary.Digest) {
			t.Errorf("shown:\n%s", text)
		}
		two := put(t.Context(), a, second)
		time.Sleep(2 * approve.Patience) // nobody looks
		if x := <-one; fault.CodeOf(x.err) != fault.Cancel {
			t.Errorf("a question that is over: %+v, %v", x.got, x.err)
		}
		select {
		case text := <-k.shown:
			t.Errorf("a second dialog over the first:\n%s", text)
		default:
		}
		k.answers <- true // to the first, which counts no more
		if text = <-k.shown; !strings.Contains(text, second.Summary.Digest) || strings.Contains(text, first.Summary.Digest) {
			t.Errorf("shown:\n%s", text)
		}
		time.Sleep(time.Second)
		k.answers <- true
		if x := <-two; x.err != nil || x.got != second.Consent(client.Typed) {
			t.Errorf("the second: %+v, %v", x.got, x.err)
		}
	})
}

func TestWhatADialogSaysCannotBeBentByTheRequest(t *testing.T) {
	for name, hostile := range map[string]string{
		"printf": "%s%n%100000d", "right to left": "abc\u202edcba\u2066", "line ends": "one\nStamp it with your key?\r\ntwo\x00",
		"10 kB": strings.Repeat("W", 10<<10),
	} {
		q := newWallet(t, hostile)
		text := question(q)
		if lines := strings.Count(text, "\n") + 1; lines > approve.MaxLines+6 {
			t.Errorf("%s: %d lines", name, lines)
		}
		if strings.ContainsAny(text, "\u202e\u2066\r\x00") || strings.Count(text, "\nStamp it with your key?") != 1 || len(text) > 8<<10 {
			t.Errorf("%s:\n%q", name, text)
		}
		if !strings.Contains(text, q.Summary.Digest) || !strings.Contains(text, "asked each time") {
			t.Errorf("%s: lacks what must stand there:\n%s", name, text)
		}
	}
}

func TestWithoutAWindowNobodyConsents(t *testing.T) {
	a := New(Options{Log: slog.New(slog.DiscardHandler)})
	if got, err := a.approve(t.Context(), newWallet(t, "one")); fault.CodeOf(err) != fault.ApprovalNeeded || got.Yes {
		t.Errorf("%+v, %v", got, err)
	}
}
