package terms

import (
	"errors"
	"testing"
)

func TestFollow(t *testing.T) {
	const second, third = "finding\ticd10\tX59\t-\tأ\tئا\tA new one\n", "act\tdhamani\tfirst-aid\t-\tإسعاف\tفریاگوزاری\tFirst aid\n"
	base := Base()
	stepOf := func(t0 *Table, text string) (*Table, Step) {
		next, err := t0.Extend(text)
		if err != nil {
			t.Fatal(err)
		}
		return next, t0.Step(next, text)
	}
	two, step2 := stepOf(base, second)
	three, step3 := stepOf(two, third)
	other, fork2 := stepOf(base, third)
	_, fork3 := stepOf(other, second)
	for _, s := range []Step{step2, step2} {
		if got, err := base.Follow(s); err != nil || got.Digest != two.Digest || got.Edition != 2 {
			t.Fatal(got.Edition, err)
		}
	}
	if got, err := two.Follow(step2); err != nil || got != two {
		t.Error("the edition at hand again:", err)
	}
	if got, err := two.Follow(step3); err != nil || got.Digest != three.Digest {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		from *Table
		step Step
		want error
	}{
		"older":            {three, step2, ErrRollback},
		"two ahead":        {base, step3, ErrOrder},
		"another second":   {two, fork2, ErrFork},
		"another's third":  {two, fork3, ErrFork},
		"malformed":        {base, Step{2, base.Digest, two.Digest, step2.Rows, "x\n"}, ErrTable},
		"another text":     {base, Step{2, base.Digest, two.Digest, step2.Rows, third}, ErrTable},
		"wrong rows":       {base, Step{2, base.Digest, two.Digest, []uint32{1, 2, 3, 4, 5}, second}, ErrTable},
		"too few slots":    {base, Step{2, base.Digest, two.Digest, step2.Rows[:4], second}, ErrTable},
		"no slots":         {base, Step{2, base.Digest, two.Digest, nil, second}, ErrTable},
		"a code two times": {base, Step{2, base.Digest, two.Digest, step2.Rows, second + second}, ErrTable},
	} {
		if _, err := c.from.Follow(c.step); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
