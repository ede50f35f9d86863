package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the names of zones mean the same on a machine that has no list of them
)

// cronSpan is a window that opens at every firing time of a schedule and lasts as long as lasts.
type cronSpan struct {
	minute, hour, day, month, weekday uint64 // bit n is set for a number n that matches
	anyDay, anyWeekday                bool   // the field does not restrict
	lasts                             time.Duration
	zone                              *time.Location
}

const longestSpan = 7 * 24 * time.Hour

// parseCronSpan reads the arguments of CronSpan: five fields, a length such as 1d12h, and an IANA zone.
func parseCronSpan(cron, lasts, zone string) (*cronSpan, error) {
	s := &cronSpan{}
	fields := strings.FieldsFunc(cron, func(r rune) bool { return r == ' ' || r == '\t' })
	if len(fields) != 5 {
		return nil, fmt.Errorf("schedule has %d fields, not 5", len(fields))
	}
	for i, f := range []struct {
		to        *uint64
		low, high int
		any       *bool
	}{
		{&s.minute, 0, 59, nil}, {&s.hour, 0, 23, nil}, {&s.day, 1, 31, &s.anyDay}, {&s.month, 1, 12, nil}, {&s.weekday, 0, 6, &s.anyWeekday},
	} {
		bits, unrestricted, err := parseCronField(fields[i], f.low, f.high)
		if err != nil {
			return nil, err
		}
		*f.to = bits
		if f.any != nil {
			*f.any = unrestricted
		}
	}
	var err error
	if s.lasts, err = parseSpan(lasts); err != nil {
		return nil, err
	}
	// "" and "Local" are names to the library and none of IANA's: the first is UTC, the second the machine's.
	if zone == "" || strings.EqualFold(zone, "local") || strings.EqualFold(zone, "localtime") {
		return nil, errors.New("unknown time zone")
	}
	if s.zone, err = time.LoadLocation(zone); err != nil {
		return nil, errors.New("unknown time zone")
	}
	return s, nil
}

// parseCronField reads *, numbers, ranges and lists of them. It reports whether a * makes it match everything.
func parseCronField(field string, low, high int) (bits uint64, unrestricted bool, err error) {
	for part := range strings.SplitSeq(field, ",") {
		from, to := low, high
		if part == "*" {
			unrestricted = true
		} else {
			first, last, ranged := strings.Cut(part, "-")
			if from, err = cronNumber(first); err == nil {
				to = from
			}
			if ranged && err == nil {
				to, err = cronNumber(last)
			}
		}
		if err != nil || from < low || to > high || from > to {
			return 0, false, fmt.Errorf("schedule field is not understood: %.40s", field)
		}
		for n := from; n <= to; n++ {
			bits |= 1 << n
		}
	}
	return bits, unrestricted, nil
}

// cronNumber reads one or two digits.
func cronNumber(s string) (int, error) {
	if len(s) == 0 || len(s) > 2 || span(s, isDigit) != len(s) {
		return 0, errors.New("not a number")
	}
	return strconv.Atoi(s)
}

// parseSpan reads a length of time: whole days, hours and minutes in this order.
func parseSpan(s string) (time.Duration, error) {
	bad := errors.New("duration is not understood")
	var sum time.Duration
	units := []struct {
		name byte
		unit time.Duration
	}{{'d', 24 * time.Hour}, {'h', time.Hour}, {'m', time.Minute}}
	for rest := s; rest != ""; {
		n := span(rest, isDigit)
		if n == 0 || n > 5 || n == len(rest) {
			return 0, bad
		}
		count, _ := strconv.Atoi(rest[:n])
		for len(units) > 0 && units[0].name != rest[n] {
			units = units[1:]
		}
		if len(units) == 0 {
			return 0, bad
		}
		sum += time.Duration(count) * units[0].unit
		units, rest = units[1:], rest[n+1:]
	}
	if sum <= 0 || sum > longestSpan {
		return 0, errors.New("duration is not above 0 and at most 7 days")
	}
	return sum, nil
}

// minutes is how many minutes holds looks at, at most.
func (s *cronSpan) minutes() int { return int(s.lasts / time.Minute) }

// holds reports whether a firing time f exists with f ≤ now < f + lasts. A local time that a change of the clocks leaves
// out fires at the first instant after the gap; one that comes twice fires the first time alone.
func (s *cronSpan) holds(now time.Time) bool {
	after := now.Add(-s.lasts)
	for to := now; to.After(after); {
		local := to.In(s.zone)
		begin, _ := local.ZoneBounds()
		_, offset := local.Zone()
		_, before := offset, offset
		if !begin.IsZero() {
			_, before = begin.Add(-time.Second).In(s.zone).Zone()
		}
		if s.firesBetween(after, to, begin, offset, before-offset) {
			return true
		}
		if begin.IsZero() || !begin.After(after) {
			return false
		}
		if s.matchesAny(wall(begin, before), offset-before) {
			return true
		}
		to = begin.Add(-time.Nanosecond)
	}
	return false
}

// firesBetween reports whether a local minute between after (not included) and to matches, all in one period of the
// zone that begins at begin with the given offset. The first repeated seconds of a period were there before.
func (s *cronSpan) firesBetween(after, to, begin time.Time, offset, repeated int) bool {
	if repeated > 0 && begin.Add(time.Duration(repeated)*time.Second).After(after) {
		after = begin.Add(time.Duration(repeated)*time.Second - 1)
	} else if !begin.IsZero() && begin.Add(-1).After(after) {
		after = begin.Add(-1)
	}
	low := wall(after, offset)
	for at := wall(to, offset).Truncate(time.Minute); at.After(low); at = at.Add(-time.Minute) {
		if s.matches(at) {
			return true
		}
	}
	return false
}

// matchesAny reports whether one of the local minutes of a gap matches, which begins at from.
func (s *cronSpan) matchesAny(from time.Time, seconds int) bool {
	end := from.Add(time.Duration(seconds) * time.Second)
	for at := from; at.Before(end); at = at.Add(time.Minute) {
		if s.matches(at) {
			return true
		}
	}
	return false
}

// wall is the local time of an instant at an offset, spelled as if it were UTC.
func wall(at time.Time, offset int) time.Time {
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

// matches reports whether the schedule fires at a local minute. If both kinds of day are restricted, either will do.
func (s *cronSpan) matches(at time.Time) bool {
	_, month, d := at.Date()
	if s.minute>>at.Minute()&1 == 0 || s.hour>>at.Hour()&1 == 0 || s.month>>month&1 == 0 {
		return false
	}
	day, weekday := s.day>>d&1 == 1, s.weekday>>at.Weekday()&1 == 1
	if s.anyDay || s.anyWeekday {
		return day && weekday
	}
	return day || weekday
}
