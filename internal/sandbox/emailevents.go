package sandbox

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

type emailEventsFilter struct {
	Email             string      `json:"email" need:"text"`
	EventType         string      `json:"eventType"`
	PaginationOptions *pagination `json:"paginationOptions"`
}

// What happens to every e-mail here, newest first: it is sent, and arrives at once.
var emailEventTypes = []string{"Delivery", "Send"}

type emailEventView struct {
	ID             uuid.UUID         `json:"id"`
	OrganizationID string            `json:"organizationId"`
	MessageID      string            `json:"messageId"`
	EventType      string            `json:"eventType"`
	FromAddress    string            `json:"fromAddress"`
	ToAddress      string            `json:"toAddress"`
	Timestamp      string            `json:"timestamp"`
	CreatedAt      string            `json:"createdAt"`
	Details        emailEventDetails `json:"details"`
}

type emailEventDetails struct {
	DeliverySMTPResponse         string `json:"deliverySmtpResponse,omitempty"`
	DeliveryProcessingTimeMillis string `json:"deliveryProcessingTimeMillis,omitempty"`
}

// listEmailEvents tells what became of the organization's e-mails to one address, as far as the inbox still has them.
func listEmailEvents(c *call, in *emailEventsFilter) (any, error) {
	var events []emailEventView
	for _, m := range slices.Backward(c.state.inbox.all()) {
		if m.Channel != "email" || m.OrganizationID != c.org.id.String() || !strings.EqualFold(m.To, in.Email) {
			continue
		}
		for _, what := range emailEventTypes {
			if in.EventType == "" || in.EventType == what {
				events = append(events, m.event(what))
			}
		}
	}
	page, err := paged(events, in.PaginationOptions, func(e emailEventView) uuid.UUID { return e.ID })
	if err != nil {
		return nil, err
	}
	return struct {
		EmailEvents []emailEventView `json:"emailEvents"`
	}{append([]emailEventView{}, page...)}, nil
}

// event is one of the things that happened to m. Its id follows from both, for it is stored nowhere.
func (m *message) event(what string) emailEventView {
	sum := sha256.Sum256([]byte(m.OrganizationID + " " + m.ID + " " + what))
	at := strconv.FormatInt(m.At, 10)
	e := emailEventView{ID: version4([16]byte(sum[:16])), OrganizationID: m.OrganizationID, MessageID: "sandbox-" + m.ID, EventType: what,
		FromAddress: cmp.Or(m.From, defaultSender), ToAddress: m.To, Timestamp: at, CreatedAt: at}
	if what == "Delivery" {
		e.Details = emailEventDetails{"250 2.0.0 OK", "0"}
	}
	return e
}
