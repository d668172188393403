// Package web is the reception page: one HTML template, one stylesheet and a
// few ECMAScript modules, embedded and served as they are. It speaks Arabic,
// Sorani and English, holds no data itself, and fetches everything from the
// local API (package localapi) behind which it is served.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed page.html assets
var files embed.FS

// languageCookie remembers the language that the page was last seen in. The
// page writes it; it says nothing else.
const languageCookie = "dhamani_language"

// languages of the page, the first being the default, with their direction.
var languages = []struct{ Tag, Name, Dir string }{
	{"ar", "العربية", "rtl"},
	{"ckb", "کوردی", "rtl"},
	{"en", "English", "ltr"},
}

// asset is one file ready to be sent.
type asset struct {
	kind string // media type
	etag string
	body []byte
}

// Handler returns the page and what it loads: GET / and GET /assets/….
// Security headers are those of the server in front of it.
func Handler() (http.Handler, error) {
	assets, err := loadAssets()
	if err != nil {
		return nil, fmt.Errorf("load the page's files: %w", err)
	}
	if assets["picks.json"], err = picksAsset(); err != nil {
		return nil, fmt.Errorf("load suggestions: %w", err)
	}
	pages, err := renderPages(assets["words.json"].body)
	if err != nil {
		return nil, fmt.Errorf("render the page: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Cookie")
		serve(w, r, pages[languageOf(r)])
	})
	mux.HandleFunc("GET /assets/{name...}", func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets[r.PathValue("name")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		serve(w, r, a)
	})
	return mux, nil
}

// serve sends a, or 304 when the browser has it. Everything is asked for anew
// each time, so an update of the program is an update of the page.
func serve(w http.ResponseWriter, r *http.Request, a asset) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", a.etag)
	if r.Header.Get("If-None-Match") == a.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", a.kind)
	_, _ = w.Write(a.body) // a browser that has gone needs no answer
}

func languageOf(r *http.Request) string {
	if c, err := r.Cookie(languageCookie); err == nil {
		for _, l := range languages {
			if l.Tag == c.Value {
				return l.Tag
			}
		}
	}
	return languages[0].Tag
}

func newAsset(kind string, body []byte) asset {
	sum := sha256.Sum256(body)
	return asset{kind: kind, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, body: body}
}

// kinds are fixed here because the system's table may lack or change them.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".json": "application/json",
	".svg": "image/svg+xml", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
}

func loadAssets() (map[string]asset, error) {
	all := make(map[string]asset)
	err := fs.WalkDir(files, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		kind, ok := kinds[path.Ext(name)]
		if !ok {
			return fmt.Errorf("no media type for %s", name)
		}
		all[strings.TrimPrefix(name, "assets/")] = newAsset(kind, body)
		return nil
	})
	return all, err
}

// renderPages fills the template once for each language.
func renderPages(table []byte) (map[string]asset, error) {
	var words map[string]map[string]string
	if err := json.Unmarshal(table, &words); err != nil {
		return nil, fmt.Errorf("read words: %w", err)
	}
	page, err := template.New("page.html").Option("missingkey=error").Funcs(template.FuncMap{
		"t": func(string) (string, error) { return "", nil }, // set for each language below
	}).ParseFS(files, "page.html")
	if err != nil {
		return nil, err
	}
	pages := make(map[string]asset)
	for _, l := range languages {
		tell := func(key string) (string, error) {
			text, ok := words[key][l.Tag]
			if !ok {
				return "", fmt.Errorf("no words for %q in %q", key, l.Tag)
			}
			return text, nil
		}
		var out bytes.Buffer
		err := page.Funcs(template.FuncMap{"t": tell}).Execute(&out, map[string]any{
			"Tag": l.Tag, "Dir": l.Dir, "Languages": languages,
		})
		if err != nil {
			return nil, err
		}
		pages[l.Tag] = newAsset("text/html; charset=utf-8", out.Bytes())
	}
	return pages, nil
}
