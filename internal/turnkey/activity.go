package turnkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"latchkey/internal/fault"
)

// Status is where an activity stands. Source: swagger, ActivityStatus.
type Status string

const (
	Created              Status = "ACTIVITY_STATUS_CREATED"
	Pending              Status = "ACTIVITY_STATUS_PENDING"
	Completed            Status = "ACTIVITY_STATUS_COMPLETED"
	Failed               Status = "ACTIVITY_STATUS_FAILED"
	ConsensusNeeded      Status = "ACTIVITY_STATUS_CONSENSUS_NEEDED"
	Rejected             Status = "ACTIVITY_STATUS_REJECTED"
	AuthenticatorsNeeded Status = "ACTIVITY_STATUS_AUTHENTICATORS_NEEDED"
)

// Activity is a request to change something.
type Activity struct {
	Path           string // "/public/v1/submit/create_wallet"
	Type           string // "ACTIVITY_TYPE_CREATE_WALLET"
	OrganizationID string
	Parameters     any
	ResultKey      string // the one key of the result, "createWalletResult"
}

// envelope is what is stamped, in the order in which Turnkey's TypeScript client writes it.
type envelope struct {
	Parameters        any    `json:"parameters"`
	OrganizationID    string `json:"organizationId"`
	TimestampMs       string `json:"timestampMs"`
	GenerateAppProofs bool   `json:"generateAppProofs"`
	Type              string `json:"type"`
}

// Record is an activity as the service tells it.
type Record struct {
	ID             string                     `json:"id"`
	OrganizationID string                     `json:"organizationId"`
	Status         Status                     `json:"status"`
	Type           string                     `json:"type"`
	Fingerprint    string                     `json:"fingerprint"`
	Result         map[string]json.RawMessage `json:"result"`
	CanApprove     bool                       `json:"canApprove"`
	CanReject      bool                       `json:"canReject"`
	CreatedAt      Timestamp                  `json:"createdAt"`
	UpdatedAt      Timestamp                  `json:"updatedAt"`
	Failure        *VendorError               `json:"failure"`
}

// Result names an activity that was accepted, whatever became of it. It is zero when nothing was accepted.
type Result struct {
	ActivityID     string
	OrganizationID string // the organization it was done in, which may not be the one that was asked
	Fingerprint    string
	Status         Status
}

// ActivityError stands in the chain of the error for an activity that was accepted but did not complete, so that a
// caller can follow it up.
type ActivityError struct {
	Result
	Failure *VendorError // only when it failed
}

func (e *ActivityError) Error() string {
	s := fmt.Sprintf("activity %q: %s", e.ActivityID, e.Status)
	if e.Failure != nil {
		s += ": " + e.Failure.Error()
	}
	return s
}

// Unwrap yields the service's reason.
func (e *ActivityError) Unwrap() error {
	if e.Failure == nil {
		return nil
	}
	return e.Failure
}

// Poll says how an unfinished activity is looked at: first after First (500 ms), then twice as long each time up to
// Max (5 s), until Limit (2 minutes) has passed since it was accepted.
type Poll struct{ First, Max, Limit time.Duration }

func (p Poll) filled() Poll {
	fill := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	fill(&p.First, 500*time.Millisecond)
	fill(&p.Max, 5*time.Second)
	fill(&p.Limit, 2*time.Minute)
	return p
}

// Submit sends a, waits until it is over, and decodes what stands under its ResultKey into out (nil drops it). A
// request that is refused for its time alone is made again once, when the refusal itself tells the right time.
//
// Errors: those of [Client.Post]; and, around an [ActivityError], Pending when people must act first (at once,
// without waiting), Denied when it failed or was rejected, Unavailable (ActivityLate) when it was not over in time.
func (c *Client) Submit(ctx context.Context, a Activity, out any) (Result, error) {
	before := c.Skew()
	rec, err := c.submit(ctx, a)
	if fault.CodeOf(err) == fault.ClockWrong && (c.Skew()-before).Abs() > skewLimit {
		rec, err = c.submit(ctx, a)
	}
	if err != nil {
		return Result{}, err
	}
	return c.follow(ctx, a, rec, out)
}

// follow waits until an accepted activity is over, and decodes its result.
func (c *Client) follow(ctx context.Context, a Activity, rec Record, out any) (Result, error) {
	rec, err := c.wait(ctx, a.OrganizationID, rec)
	if err != nil {
		return rec.result(), fmt.Errorf("%s: %w", a.Type, err)
	}
	return rec.result(), rec.decode(a.ResultKey, out)
}

func (c *Client) submit(ctx context.Context, a Activity) (Record, error) {
	var answer activityAnswer
	err := c.Query(ctx, a.Path, envelope{
		Parameters: a.Parameters, OrganizationID: a.OrganizationID, Type: a.Type,
		TimestampMs: strconv.FormatInt(c.timestamp(), 10),
	}, &answer)
	return answer.Activity, err
}

// wait polls until rec is over. It returns the newest record it has, with the error too.
func (c *Client) wait(ctx context.Context, organizationID string, rec Record) (Record, error) {
	p := c.Poll.filled()
	if rec.OrganizationID != "" {
		organizationID = rec.OrganizationID
	}
	limited, cancel := context.WithTimeout(ctx, p.Limit)
	defer cancel()
	for pause := p.First; ; {
		if done, err := rec.over(); done {
			return rec, err
		}
		if !sleep(limited, pause) {
			return rec, rec.late(ctx)
		}
		pause = min(2*pause, p.Max)
		next, err := c.GetActivity(limited, organizationID, rec.ID)
		switch e, _ := errors.AsType[*fault.Error](err); {
		case err == nil:
			rec = next
		case limited.Err() != nil:
			return rec, rec.late(ctx)
		case e != nil && e.Kind == fault.Limited:
			pause = max(pause, e.RetryAfter)
		case e != nil && e.Kind == fault.Unavailable: // accepted is accepted: look again
		default:
			return rec, err
		}
	}
}

// over reports whether nothing more will happen to r by itself, and what that means for the caller.
func (r Record) over() (bool, error) {
	e := &ActivityError{Result: r.result()}
	switch r.Status {
	case Completed:
		return true, nil
	case Created, Pending:
		return false, nil
	case ConsensusNeeded, AuthenticatorsNeeded:
		return true, fault.New(fault.ActivityPending, e)
	case Rejected:
		return true, fault.New(fault.ActivityRejected, e)
	case Failed:
		code := fault.ActivityFailed
		if r.Failure != nil {
			e.Failure = r.Failure
			if said, _ := e.Failure.said(); said == fault.OTPWrong || said == fault.OTPExpired || said == fault.OTPLocked || said == fault.OTPLimited {
				code = said // what went wrong with a code is the person's to know, however it travels
			}
		}
		return true, fault.New(code, e)
	default:
		return true, fault.New(fault.APIDown, fmt.Errorf("activity %q has the unknown status %q", r.ID, r.Status))
	}
}

func (r Record) late(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fault.New(fault.Cancel, &ActivityError{Result: r.result()})
	}
	return fault.New(fault.ActivityLate, &ActivityError{Result: r.result()})
}

func (r Record) result() Result {
	return Result{ActivityID: r.ID, OrganizationID: r.OrganizationID, Fingerprint: r.Fingerprint, Status: r.Status}
}

func (r Record) decode(key string, out any) error {
	if out == nil {
		return nil
	}
	raw, ok := r.Result[key]
	if !ok {
		return fault.New(fault.APIDown, fmt.Errorf("activity %q completed without %q", r.ID, key))
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fault.New(fault.APIDown, fmt.Errorf("activity %q: %s: %w", r.ID, key, err))
	}
	return nil
}

type activityAnswer struct {
	Activity Record `json:"activity"`
}

// GetActivity returns an activity of an organization, at whatever status it is.
func (c *Client) GetActivity(ctx context.Context, organizationID, activityID string) (Record, error) {
	var answer activityAnswer
	err := c.Query(ctx, "/public/v1/query/get_activity", struct {
		OrganizationID string `json:"organizationId"`
		ActivityID     string `json:"activityId"`
	}{organizationID, activityID}, &answer)
	return answer.Activity, err
}
