package agent

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/internal/logkey"
)

// OpenCache opens the cache. A damaged file is set aside, what can be read of
// it is taken over into a new one, and work goes on; the damage is returned
// beside the cache, to be told (Config.Found). It owes the errors of cache.Open
// but for cache.ErrCorrupt.
func OpenCache(path string, key [32]byte, log *slog.Logger) (store *cache.Cache, damage []error, err error) {
	store, err = cache.Open(path, key, log)
	if !errors.Is(err, cache.ErrCorrupt) {
		return store, nil, err
	}
	damage = []error{err}
	log.Error("cache is damaged", logkey.Code, Classify(err).Code, logkey.Error, err)
	found, err := cache.Recover(path, key)
	if err != nil {
		return nil, nil, fmt.Errorf("recover cache: %w", err)
	}
	log.Warn("cache recovered", logkey.Path, found.Broken, logkey.Entries, found.Entries, logkey.Count, found.Lost)
	store, err = cache.Open(path, key, log)
	return store, damage, err
}
