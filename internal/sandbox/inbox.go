package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// message is one e-mail or text message that the service would have sent.
type message struct {
	ID             string `json:"id"` // decimal, growing
	At             int64  `json:"at"` // unix ms
	To             string `json:"to"`
	From           string `json:"from,omitempty"` // of an e-mail that names its sender
	Channel        string `json:"channel"`        // "email" or "sms"
	Kind           string `json:"kind"`           // "otp", "magic_link" (an otp with a link), "email_auth" or "recovery"
	Subject        string `json:"subject,omitempty"`
	Text           string `json:"text,omitempty"`
	Code           string `json:"code,omitempty"`
	Link           string `json:"link,omitempty"`
	Bundle         string `json:"bundle,omitempty"`
	OTPID          string `json:"otpId,omitempty"`
	OrganizationID string `json:"organizationId,omitempty"`
}

// inboxMax is how many messages are kept.
const inboxMax = 1000

// inbox keeps the newest messages. It is safe for parallel use.
type inbox struct {
	mu       sync.Mutex
	messages []*message // oldest first
	last     uint64
	came     chan struct{} // closed and replaced when a message comes
}

func newInbox() *inbox { return &inbox{came: make(chan struct{})} }

// nextID numbers a message. The caller installs it before asking again, under the state's lock.
func (b *inbox) nextID() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strconv.FormatUint(b.last+1, 10)
}

func (m *message) number() uint64 {
	n, _ := strconv.ParseUint(m.ID, 10, 64)
	return n
}

func (m *message) install(s *state) {
	b := s.inbox
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = append(b.messages, m)
	if over := len(b.messages) - inboxMax; over > 0 {
		b.messages = slices.Clone(b.messages[over:])
	}
	b.last = max(b.last, m.number())
	close(b.came)
	b.came = make(chan struct{})
}

// all returns the messages, oldest first.
func (b *inbox) all() []*message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.messages)
}

func (m *message) row() row { return row{bucketMessage, number(m.number()), mustJSON(m)} }

// forgotten removes the row of the message that a new one pushes out.
type forgotten struct{ number uint64 }

func (forgotten) install(*state) {}
func (f forgotten) row() row     { return row{bucketMessage, number(f.number), nil} }

func (s *state) readMessage(key, value []byte) (record, error) {
	m := new(message)
	if err := json.Unmarshal(value, m); err != nil {
		return nil, err
	}
	if len(key) != 8 || binary.BigEndian.Uint64(key) != m.number() || m.number() == 0 {
		return nil, errors.New("a message has no number")
	}
	return m, nil
}

// since returns the messages after the one of that number, newest first, to that address ("" for all), and a channel
// that is closed when the next message comes.
func (b *inbox) since(after uint64, to string) (found []*message, more <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found = []*message{}
	for _, m := range slices.Backward(b.messages) {
		if m.number() <= after {
			break
		}
		if to == "" || strings.EqualFold(m.To, to) {
			found = append(found, m)
		}
	}
	return found, b.came
}

// wake ends every wait, so that whoever waits looks at what took the inbox's place.
func (b *inbox) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.came)
	b.came = make(chan struct{})
}
