package fhir

import (
	"crypto/sha256"
	"math"
	"math/big"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

type imagingStudy struct {
	ResourceType string `json:"resourceType"`
	named
	Status       string        `json:"status"`
	Modality     []coding      `json:"modality,omitempty"`
	Subject      *reference    `json:"subject,omitempty"`
	Encounter    *reference    `json:"encounter,omitempty"`
	Started      string        `json:"started,omitempty"`
	Series       []imageSeries `json:"series,omitempty"`
	NumSeries    int           `json:"numberOfSeries,omitempty"`
	NumInstances int           `json:"numberOfInstances,omitempty"`
	Description  string        `json:"description,omitempty"`
}

type imageSeries struct {
	UID      string  `json:"uid,omitempty"`
	Modality *coding `json:"modality,omitempty"`
	BodySite *coding `json:"bodySite,omitempty"`
}

func (im *importer) imagingStudy(j *job) error {
	v, err := parse[imagingStudy](j)
	if err != nil {
		return err
	}
	switch {
	case v.Status == inError:
		return errMistake
	case j.secret:
		return errLabel
	}
	var g record.Imaging
	for _, id := range v.Identifier {
		if id.own() {
			continue
		}
		uid, ok := strings.CutPrefix(id.Value, "urn:oid:")
		if !ok || g.Study != "" || strings.Trim(uid, "0123456789.") != "" || len(uid) > 64 {
			j.lose("identifier")
			continue
		}
		g.Study = uid
	}
	if g.Study == "" {
		return errString("no study identifier")
	}
	modalities := v.Modality
	for i, s := range v.Series {
		if s.Modality != nil {
			modalities = append(modalities, *s.Modality)
		}
		if s.BodySite != nil && i == 0 {
			g.BodySite = j.optCode(&concept{Coding: []coding{*s.BodySite}}, preferProcedure, "series.bodySite")
		}
		j.loseIf(i > 0, "series (further)")
	}
	for i, m := range modalities {
		if i == 0 {
			g.Modality = j.exact(m.Code, codeLimit, "modality")
		}
		j.loseIf(m.Code != modalities[0].Code, "modality (further)")
	}
	if g.Modality == "" {
		return errString("no modality")
	}
	j.loseIf(v.Status != "available", "status")
	g.Series, g.Instances = j.small(v.NumSeries, "numberOfSeries"), j.small(v.NumInstances, "numberOfInstances")
	g.Title = j.words(v.Description, shortLimit, "description")
	started := j.moment(v.Started, "started")
	e, err := j.entry(v.Encounter, started)
	if err != nil {
		return err
	}
	g.At = at(started, e)
	e.Imaging = append(e.Imaging, g)
	return nil
}

func (j *job) small(n int, element string) uint16 {
	if n < 0 || n > math.MaxUint16 {
		j.lose(element)
		return 0
	}
	return uint16(n) // #nosec G115 -- bounded
}

func (x *exporter) imaging(g *record.Imaging, e *record.Entry, visit *reference) {
	modality := coding{System: uriDICOM, Code: g.Modality}
	v := imagingStudy{
		ResourceType: "ImagingStudy", named: named{[]identifier{{System: uriDICOMUID, Value: "urn:oid:" + g.Study}}},
		Status: "available", Modality: []coding{modality}, Subject: x.patient, Encounter: visit, Started: when(g.At, e),
		NumSeries: int(g.Series), NumInstances: int(g.Instances), Description: g.Title,
	}
	if g.BodySite != nil {
		c := exportCode(*g.BodySite)
		site := coding{Display: c.Text}
		if len(c.Coding) > 0 {
			site = c.Coding[0]
		}
		v.Series = []imageSeries{{UID: seriesUID(g.Study), Modality: &modality, BodySite: &site}}
	}
	x.add(&v, "ImagingStudy", g)
}

// seriesUID names the series that stands for a study's body site, within the
// 64 characters of a DICOM identifier: by a UUID (ISO/IEC 9834-8) of the study's.
func seriesUID(study string) string {
	h := sha256.Sum256([]byte("dhamani dicom series v1\x00" + study))
	return "2.25." + new(big.Int).SetBytes(h[:16]).String()
}

type documentReference struct {
	ResourceType string `json:"resourceType"`
	named
	Meta    *meta        `json:"meta,omitempty"`
	Status  string       `json:"status"`
	Label   []concept    `json:"securityLabel,omitempty"`
	Type    *concept     `json:"type,omitempty"`
	Subject *reference   `json:"subject,omitempty"`
	Date    string       `json:"date,omitempty"`
	Content []docContent `json:"content"`
	Context *docContext  `json:"context,omitempty"`
}

type docContent struct {
	Attachment attachment `json:"attachment"`
}

type attachment struct {
	ContentType string `json:"contentType,omitempty"`
	Data        []byte `json:"data,omitempty"`
}

// plain reports whether there is a plain text that can be read. Without a word
// on its encoding it is UTF-8, as all of FHIR is.
func (a *attachment) plain() bool {
	kind, params, err := mime.ParseMediaType(a.ContentType)
	charset := strings.ToLower(params["charset"])
	return err == nil && kind == "text/plain" && (charset == "" || charset == "utf-8" || charset == "us-ascii") &&
		len(a.Data) > 0 && utf8.Valid(a.Data)
}

type docContext struct {
	Encounter []reference `json:"encounter,omitempty"`
}

// noteType is LOINC's code for a note of any kind. The programme's own code
// stands beside it when the note says why an entry was corrected.
const (
	noteType    = "34109-9"
	codeWhy     = "correction"
	codeWhyName = "Why corrected"
)

// documentReference carries plain text that is in the Bundle itself.
func (im *importer) documentReference(j *job) error {
	v, err := parse[documentReference](j)
	if err != nil {
		return err
	}
	if len(v.Content) != 1 || !v.Content[0].Attachment.plain() {
		return errString("not one plain text in the bundle itself")
	}
	if v.Status == inError {
		return errMistake
	}
	n := record.Note{Sensitive: j.secret}
	for i := range v.Label {
		secret, unknown := labels(v.Label[i].Coding)
		n.Sensitive = n.Sensitive || secret
		j.loseIf(unknown || len(v.Label[i].Coding) == 0, "securityLabel")
	}
	if n.Text = j.words(string(v.Content[0].Attachment.Data), noteLimit, "content"); n.Text == "" {
		return errString("empty text")
	}
	if v.Type.has(terms.Own.URI(), codeWhy) {
		n.Kind = record.NoteCorrection
	}
	j.loseIf(v.Type.token() != noteType, "type")
	j.loseIf(v.Status != "current", "status")
	var visit *reference
	if v.Context != nil && len(v.Context.Encounter) > 0 {
		visit = &v.Context.Encounter[0]
		j.loseIf(len(v.Context.Encounter) > 1, "context.encounter (further)")
	}
	date := j.moment(v.Date, "date")
	e, err := j.entry(visit, date)
	if err != nil {
		return err
	}
	n.At = at(date, e)
	e.Notes = append(e.Notes, n)
	return nil
}

func (x *exporter) note(n *record.Note, e *record.Entry, visit *reference) {
	kind := single(terms.LOINC.URI(), noteType)
	if n.Kind == record.NoteCorrection {
		kind.Coding = append(kind.Coding, coding{System: terms.Own.URI(), Code: codeWhy, Display: codeWhyName})
	}
	x.add(&documentReference{
		ResourceType: "DocumentReference", Meta: label(n.Sensitive), Status: "current",
		Type: kind, Subject: x.patient, Date: when(n.At, e),
		Content: []docContent{{Attachment: attachment{ContentType: "text/plain; charset=utf-8", Data: []byte(n.Text)}}},
		Context: &docContext{Encounter: []reference{*visit}},
	}, "DocumentReference", n)
}
