package ucum

import "strings"

// plainly returns a unit in lower case and in ASCII, as far as its letters are
// written for others, and without spaces: full-width forms, raised figures,
// Arabic figures and the words for units in Arabic and Sorani. It says whether
// there was a sign for micro, which becomes u as other letters do.
func plainly(s string) (out string, micro bool) {
	var b strings.Builder
	raised, foreign := false, false
	for _, r := range s {
		up := strings.ContainsRune("⁰¹²³⁴⁵⁶⁷⁸⁹", r)
		if up && !raised && strings.HasSuffix(b.String(), "10") {
			b.WriteByte('^') // 10⁹, but m²
		}
		raised = up
		switch x, ok := letters[r]; {
		case ok:
			b.WriteString(x)
		case r >= '！' && r <= '～':
			b.WriteRune(r - '！' + '!')
		default:
			b.WriteRune(r)
		}
		micro = micro || r == 'µ' || r == 'μ'
		foreign = foreign || r >= 0x600 && r < 0x700
	}
	out = strings.ToLower(b.String())
	if foreign {
		out = worded(out)
	}
	out = strings.Join(strings.Fields(out), "")
	for _, p := range [][2]string{{"mcg", "ug"}, {"m^2", "m2"}, {"m^3", "m3"}} {
		out = strings.ReplaceAll(out, p[0], p[1])
	}
	return out, micro
}

// letters are letters and figures that are written for others; an empty one is
// only how it is set.
var letters = func() map[rune]string {
	m := map[rune]string{
		'µ': "u", 'μ': "u", '×': "x", '∕': "/", '⁄': "/", '⋅': ".", '·': ".", '٪': "%", 'º': "°", '˚': "°", 'ℓ': "l", '　': " ", '\u00a0': " ",
		'\u200e': "", '\u200f': "", '\u061c': "", '\u200c': "", 'ـ': "", 'ک': "ك", 'گ': "غ", 'ی': "ي", 'ى': "ي", 'أ': "ا", 'إ': "ا", 'ە': "ه", 'ة': "ه",
	}
	for _, ten := range []string{"٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "⁰¹²³⁴⁵⁶⁷⁸⁹"} {
		i := 0
		for _, r := range ten {
			m[r] = string(rune('0' + i))
			i++
		}
	}
	return m
}()

// arabic are the words for units and their short forms, by the spelling of the
// unit that they stand for.
var arabic = func() map[string]string {
	m := make(map[string]string)
	for unit, list := range map[string]string{
		"mg": "ملغ ملغم مغ مغم ملجم مليغرام ميليغرام", "g": "غ غم جم غرام جرام", "kg": "كغ كغم كجم كيلوغرام كيلو", "l": "ل لتر ليتر",
		"ug": "مكغ مكغم ميكروغرام مايكروغرام", "ng": "نانوغرام", "ml": "مل ملل مليلتر ميليلتر", "dl": "دل ديسيلتر ديسيليتر", "cm": "سم سنتيمتر",
		"mm": "ملم مم ميليمتر", "mmol": "مليمول ميليمول ممول", "umol": "ميكرومول مايكرومول", "iu": "وحده_دوليه و.د", "u": "وحده",
		"mmhg": "ملم_زئبق ملم_زئبقي مم_زئبق", "beats": "نبضه ضربه نبضات", "min": "دقيقه دقائق", "h": "ساعه ساعات", "d": "يوم ايام", "wk": "اسبوع اسابيع",
		"tablet": "حبه حبات قرص اقراص", "capsule": "كبسوله كبسولات", "drop": "قطره قطرات", "puff": "بخه بخات", "°c": "درجه_مئويه °م م°", "cells": "خليه خلايا",
	} {
		for word := range strings.FieldsSeq(list) {
			m[word] = unit
		}
	}
	return m
}()

// worded puts the spellings of units for words, on both sides of a stroke.
func worded(s string) string {
	parts := strings.Split(s, "/")
	for i, p := range parts {
		if unit, ok := arabic[strings.Join(strings.Fields(p), "_")]; ok {
			parts[i] = unit
		}
	}
	return strings.Join(parts, "/")
}
