package policy_test

import (
	"testing"
	"time"

	"latchkey/internal/sandbox/policy"
)

func TestPolicyCronSpan(t *testing.T) {
	for _, c := range []struct {
		span, at string
		want     bool
	}{
		{`CronSpan('0 9 * * 1-5', '8h', 'America/New_York')`, "2026-03-02T13:59:59Z", false},
		{`CronSpan('0 9 * * 1-5', '8h', 'America/New_York')`, "2026-03-02T14:00:00Z", true},
		{`CronSpan('0 9 * * 1-5', '8h', 'America/New_York')`, "2026-03-02T21:59:59.999Z", true},
		{`CronSpan('0 9 * * 1-5', '8h', 'America/New_York')`, "2026-03-02T22:00:00Z", false},
		{`CronSpan('0 9 * * 1-5', '8h', 'America/New_York')`, "2026-03-01T15:00:00Z", false}, // Sunday
		{`CronSpan('0 9 * * 1-5', '8h', 'America/New_York')`, "2026-03-09T13:00:00Z", true},  // summer time by then
		// 22:00 and eight hours end at 07:00 when clocks go forward, at 05:00 when they go back.
		{`CronSpan('0 22 * * *', '8h', 'America/New_York')`, "2026-03-08T10:59:59Z", true},
		{`CronSpan('0 22 * * *', '8h', 'America/New_York')`, "2026-03-08T11:00:00Z", false},
		{`CronSpan('0 22 * * *', '8h', 'America/New_York')`, "2026-11-01T09:59:59Z", true},
		{`CronSpan('0 22 * * *', '8h', 'America/New_York')`, "2026-11-01T10:00:00Z", false},
		// 02:30 of 8 March 2026 does not exist: the instant after the gap, 07:00Z.
		{`CronSpan('30 2 * * *', '1m', 'America/New_York')`, "2026-03-08T06:59:59Z", false},
		{`CronSpan('30 2 * * *', '1m', 'America/New_York')`, "2026-03-08T07:00:00Z", true},
		{`CronSpan('30 2 * * *', '1m', 'America/New_York')`, "2026-03-08T07:01:00Z", false},
		{`CronSpan('30 2 * * *', '1m', 'America/New_York')`, "2026-03-08T07:30:00Z", false},
		{`CronSpan('0 3 * * *', '1m', 'America/New_York')`, "2026-03-08T07:00:00Z", true},
		// 01:30 of 1 November 2026 comes twice: the first, 05:30Z.
		{`CronSpan('30 1 * * *', '1m', 'America/New_York')`, "2026-11-01T05:30:00Z", true},
		{`CronSpan('30 1 * * *', '1m', 'America/New_York')`, "2026-11-01T06:30:00Z", false},
		{`CronSpan('30 1 * * *', '1h1m', 'America/New_York')`, "2026-11-01T06:30:00Z", true},
		{`CronSpan('0 2 * * *', '1m', 'America/New_York')`, "2026-11-01T07:00:00Z", true},
		{`CronSpan('0 2 * * *', '1m', 'America/New_York')`, "2026-11-01T06:00:00Z", false},
		// A whole day that Samoa left out: 30 December 2011.
		{`CronSpan('0 12 30 12 *', '1m', 'Pacific/Apia')`, "2011-12-30T10:00:00Z", true},
		{`CronSpan('0 12 30 12 *', '1m', 'Pacific/Apia')`, "2011-12-30T09:59:59Z", false},
		// Zones of half and quarter hours.
		{`CronSpan('0 9 * * *', '1m', 'Asia/Kathmandu')`, "2026-05-05T03:15:00Z", true},
		{`CronSpan('15 3 * * *', '1m', 'Etc/UTC')`, "2026-05-05T03:15:30Z", true},
		// Days of month and week: either if both are restricted.
		{`CronSpan('0 0 13 * 5', '1d', 'UTC')`, "2026-05-13T12:00:00Z", true},  // 13th, a Wednesday
		{`CronSpan('0 0 13 * 5', '1d', 'UTC')`, "2026-05-15T12:00:00Z", true},  // a Friday
		{`CronSpan('0 0 13 * 5', '1d', 'UTC')`, "2026-05-14T12:00:00Z", false}, // neither
		{`CronSpan('0 0 13 * *', '1d', 'UTC')`, "2026-05-15T12:00:00Z", false},
		{`CronSpan('0 0 * * 5', '1d', 'UTC')`, "2026-05-13T12:00:00Z", false},
		{`CronSpan('0 0 * 2,4-5 0', '1d', 'UTC')`, "2026-05-10T00:00:00Z", true},
		{`CronSpan('0 0 * 2,4-5 0', '1d', 'UTC')`, "2026-03-08T00:00:00Z", false},
		{`CronSpan('0 0 * * 1', '7d', 'UTC')`, "2026-05-10T23:59:59Z", true},
		{`CronSpan('* * * * *', '1m', 'UTC')`, "2026-05-10T23:59:59Z", true},
		{`CronSpan('0,30 * * * *', '10m', 'UTC')`, "2026-05-10T23:39:59Z", true},
		{`CronSpan('0,30 * * * *', '10m', 'UTC')`, "2026-05-10T23:40:00Z", false},
		{`CronSpan('0 0 31 2 *', '7d', 'UTC')`, "2026-03-01T00:00:00Z", false},
		{`CronSpan('0 0 1 1 *', '90m', 'UTC')`, "2026-01-01T01:29:59Z", true},
		{`CronSpan('0 0 1 1 *', '0d1h30m', 'UTC')`, "2026-01-01T01:30:00Z", false},
	} {
		at, err := time.Parse(time.RFC3339Nano, c.at)
		if err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{true: yes, false: no}[c.want]
		if got := result(t, policy.Moment, c.span, &policy.Context{Time: policy.Time{Now: at}}); got != want {
			t.Errorf("%s at %s: %s", c.span, c.at, got)
		}
	}
}

// A window and a check of every minute agree, over two changes of the clocks.
func TestPolicyCronSpanAgreesWithCounting(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	e, err := policy.Compile(policy.Moment, `CronSpan('17 1,5,23 * * 0,2-4', '1h30m', 'Europe/Berlin')`)
	if err != nil {
		t.Fatal(err)
	}
	for _, begin := range []time.Time{time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 23, 0, 0, 0, 0, time.UTC)} {
		for at := begin; at.Before(begin.Add(5 * 24 * time.Hour)); at = at.Add(13 * time.Minute) {
			want := false
			for m := range 90 {
				l := at.Add(-time.Duration(m) * time.Minute).Truncate(time.Minute).In(zone)
				hour, day := l.Hour(), l.Weekday()
				want = want || l.Minute() == 17 && (hour == 1 || hour == 5 || hour == 23) && (day == 0 || day >= 2 && day <= 4)
			}
			if got, err := e.Holds(&policy.Context{Time: policy.Time{Now: at}}); err != nil || got != want {
				t.Fatalf("at %s: %v, %v; want %v", at.In(zone), got, err, want)
			}
		}
	}
}

func TestPolicyTimeIsRefused(t *testing.T) {
	for _, source := range []string{
		`CronSpan('* * * *', '1h', 'UTC')`, `CronSpan('* * * * * *', '1h', 'UTC')`, `CronSpan('@daily', '1h', 'UTC')`,
		`CronSpan('*/5 * * * *', '1h', 'UTC')`, `CronSpan('60 * * * *', '1h', 'UTC')`, `CronSpan('* 24 * * *', '1h', 'UTC')`,
		`CronSpan('* * 0 * *', '1h', 'UTC')`, `CronSpan('* * 32 * *', '1h', 'UTC')`, `CronSpan('* * * 13 *', '1h', 'UTC')`,
		`CronSpan('* * * * 7', '1h', 'UTC')`, `CronSpan('* * * * MON', '1h', 'UTC')`, `CronSpan('5-1 * * * *', '1h', 'UTC')`,
		`CronSpan('1, * * * *', '1h', 'UTC')`, `CronSpan('1--2 * * * *', '1h', 'UTC')`, `CronSpan('+1 * * * *', '1h', 'UTC')`,
		`CronSpan('* * * * *', '', 'UTC')`, `CronSpan('* * * * *', '0m', 'UTC')`, `CronSpan('* * * * *', '7d1m', 'UTC')`,
		`CronSpan('* * * * *', '1h1d', 'UTC')`, `CronSpan('* * * * *', '1h2h', 'UTC')`, `CronSpan('* * * * *', '1s', 'UTC')`,
		`CronSpan('* * * * *', '1.5h', 'UTC')`, `CronSpan('* * * * *', '60', 'UTC')`, `CronSpan('* * * * *', '-1h', 'UTC')`,
		`CronSpan('* * * * *', '1h', '')`, `CronSpan('* * * * *', '1h', 'Local')`, `CronSpan('* * * * *', '1h', 'Mars/Base')`,
		`CronSpan('* * * * *', '1h', '../../etc/passwd')`, `CronSpan('* * * * *', '1h')`, `CronSpan('* * * * *')`, `CronSpan()`,
		`Timestamp('2026-04-01T00:00:00') < time.now`, `Timestamp('2026-04-01') < time.now`, `Timestamp('2026-04-01T00:00:00-01:00') < time.now`,
		`Timestamp('2026-04-01T24:00:00Z') < time.now`, `Timestamp('2026-02-30T00:00:00Z') < time.now`, `Timestamp('2026-04-01T00:00:00,5Z') < time.now`,
		`Timestamp('2026-04-01T00:00:00.Z') < time.now`, `Timestamp('2026-04-01 00:00:00Z') < time.now`, `Timestamp('') < time.now`,
		`Timestamp('2026-04-01T00:00:00Z', 'x') < time.now`, `Timestamp(1) < time.now`, `Timestamp(time.now) < time.now`, `time.now == 1`,
		`time.now`, `Timestamp('2026-04-01T00:00:00Z')`,
	} {
		if got := result(t, policy.Moment, source, &policy.Context{}); got != not {
			t.Errorf("%s: %s", source, got)
		}
	}
	for _, source := range []string{
		`time.now == Timestamp('2026-04-01T01:02:03Z')`, `time.now == Timestamp('2026-04-01t01:02:03z')`,
		`time.now == Timestamp('2026-04-01T01:02:03+00:00')`, `time.now == Timestamp('2026-04-01T01:02:03.000000000-00:00')`,
		`time.now < Timestamp('2026-04-01T01:02:03.000000001Z') && time.now >= Timestamp('2026-04-01T01:02:03Z')`,
	} {
		c := &policy.Context{Time: policy.Time{Now: time.Date(2026, 4, 1, 1, 2, 3, 0, time.UTC)}}
		if got := result(t, policy.Moment, source, c); got != yes {
			t.Errorf("%s: %s", source, got)
		}
	}
}
