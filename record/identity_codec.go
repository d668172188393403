package record

// Encode returns the identity's CBOR, at most MaxIdentity bytes. It owes ErrInvalid.
//
// identity = {1 names, 2 sex, 3 born, 4 died, 5 national number, 6 language,
// 7 phone, 8 address, 9 [family], 10 guards}
func (id *Identity) Encode() ([]byte, error) { return id.encode(0) }

func (id *Identity) encode(edition uint32) ([]byte, error) {
	return encode("identity", id.Validate(), MaxIdentity, edition, func(m *mapWriter) {
		m.key(1)
		m.names(&id.Names)
		m.optUint(2, uint64(id.Sex))
		m.optMoment(3, id.Born, Epoch)
		m.optMoment(4, id.Died, Epoch)
		m.optText(5, id.NationalNumber)
		m.optText(6, id.Language)
		m.optText(7, id.Phone)
		if id.Address != nil {
			m.key(8)
			m.address(id.Address)
		}
		if len(id.Family) > 0 {
			m.key(9)
			m.head(majorArray, uint64(len(id.Family)))
			for i := range id.Family {
				m.member(&id.Family[i])
			}
		}
		m.optUint(10, uint64(id.Guards))
	})
}

// DecodeIdentity reads what Encode wrote. It owes a SyntaxError.
func DecodeIdentity(b []byte) (*Identity, error) {
	id := new(Identity)
	err := decode("identity", b, MaxIdentity, func(r *reader, key uint64) bool {
		switch key {
		case 1:
			id.Names = r.names()
		case 2:
			id.Sex = readEnum[sexNames](r)
		case 3:
			id.Born = r.moment(Epoch)
		case 4:
			id.Died = r.moment(Epoch)
		case 5:
			id.NationalNumber = r.text(maxUnit)
		case 6:
			id.Language = r.text(3)
		case 7:
			id.Phone = r.text(maxUnit)
		case 8:
			id.Address = r.address()
		case 9:
			n := r.array(maxFamily)
			for ; n > 0 && r.err == nil; n-- {
				id.Family = append(id.Family, r.member())
			}
		case 10:
			id.Guards = r.persons()
		default:
			return false
		}
		return true
	}, id.encode)
	if err != nil {
		return nil, err
	}
	return id, nil
}

// Validate owes ErrInvalid.
func (id *Identity) Validate() error {
	var c checker
	c.names("names", &id.Names)
	choice(&c, "sex", id.Sex)
	c.moment("born", &id.Born)
	c.moment("died", &id.Died)
	c.text("national_number", id.NationalNumber, maxUnit)
	c.text("phone", id.Phone, maxUnit)
	switch id.Language {
	case "", "ar", "ckb", "en":
	default:
		c.fail("language", "not ar, ckb or en")
	}
	if a := id.Address; a != nil {
		if *a == (Address{}) {
			c.fail("address", "empty")
		}
		for _, s := range []string{a.Line, a.District, a.City, a.Governorate} {
			c.text("address", s, maxShort)
		}
		c.text("address.postal_code", a.PostalCode, maxUnit)
		c.text("address.country", a.Country, 3)
	}
	c.count("family", len(id.Family), maxFamily)
	if id.Guards.Has(0) {
		c.fail("guards", "the holder themselves")
	}
	var seen Persons
	for i := range id.Family {
		x := &id.Family[i]
		switch {
		case x.Person > maxPerson:
			c.fail("family.person", "out of range")
		case x.Person > 0 && seen.Has(x.Person):
			c.fail("family.person", "given twice")
		case x.Person > 0 && x.Guards.Has(x.Person):
			c.fail("family.guards", "the member themselves")
		}
		seen |= PersonsOf(x.Person)
		choice(&c, "family.relation", x.Relation)
		choice(&c, "family.sex", x.Sex)
		c.names("family.names", &x.Names)
		c.moment("family.born", &x.Born)
		c.text("family.phone", x.Phone, maxUnit)
	}
	return c.err
}

func (c *checker) names(field string, n *Names) {
	if n.Arabic == nil && n.Sorani == nil && n.Latin == nil {
		c.fail(field, "in no script")
	}
	for _, p := range []*Name{n.Arabic, n.Sorani, n.Latin} {
		if p == nil {
			continue
		}
		if len(p.Given) == 0 && p.Family == "" {
			c.fail(field, "empty")
		}
		c.count(field, len(p.Given), maxGiven)
		for _, g := range p.Given {
			c.needText(field, g, maxShort)
		}
		c.text(field, p.Family, maxShort)
	}
}

// names = {? 1 Arabic, ? 2 Sorani, ? 3 Latin}; name = [family or null, given…]
func (w *writer) names(n *Names) {
	w.attrs(func(m *mapWriter) {
		for i, p := range []*Name{n.Arabic, n.Sorani, n.Latin} {
			if p == nil {
				continue
			}
			m.key(uint64(i) + 1) // #nosec G115 -- 0 to 2
			m.head(majorArray, uint64(len(p.Given))+1)
			if p.Family == "" {
				m.simple(simpleNull)
			} else {
				m.text(p.Family)
			}
			for _, g := range p.Given {
				m.text(g)
			}
		}
	})
}

func (r *reader) names() (n Names) {
	r.attrs(func(key uint64) bool {
		switch key {
		case 1:
			n.Arabic = r.name()
		case 2:
			n.Sorani = r.name()
		case 3:
			n.Latin = r.name()
		default:
			return false
		}
		return true
	})
	return n
}

func (r *reader) name() *Name {
	n := r.array(maxGiven + 1)
	if n == 0 {
		r.fail("empty name")
		return nil
	}
	p := new(Name)
	if r.peek() == majorSimple {
		if r.simple() != simpleNull {
			r.fail("null expected")
		}
	} else {
		p.Family = r.text(maxShort)
	}
	for n--; n > 0 && r.err == nil; n-- {
		p.Given = append(p.Given, r.text(maxShort))
	}
	return p
}

// address = {1 line, 2 district, 3 city, 4 governorate, 5 postal code, 6 country}
func (w *writer) address(a *Address) {
	w.attrs(func(m *mapWriter) {
		for i, s := range []string{a.Line, a.District, a.City, a.Governorate, a.PostalCode, a.Country} {
			m.optText(uint64(i)+1, s) // #nosec G115 -- 0 to 5
		}
	})
}

func (r *reader) address() *Address {
	a := new(Address)
	fields := [...]*string{&a.Line, &a.District, &a.City, &a.Governorate, &a.PostalCode, &a.Country}
	r.attrs(func(key uint64) bool {
		if key < 1 || key > uint64(len(fields)) {
			return false
		}
		*fields[key-1] = r.text(maxShort)
		return true
	})
	return a
}

// member = {1 names, 2 person, 3 relation, 4 guards, 5 sex, 6 born, 7 phone}
func (w *writer) member(x *Member) {
	w.attrs(func(m *mapWriter) {
		m.key(1)
		m.names(&x.Names)
		m.optUint(2, uint64(x.Person))
		m.optUint(3, uint64(x.Relation))
		m.optUint(4, uint64(x.Guards))
		m.optUint(5, uint64(x.Sex))
		m.optMoment(6, x.Born, Epoch)
		m.optText(7, x.Phone)
	})
}

// persons reads a set, one bit for each.
func (r *reader) persons() Persons { return Persons(r.uint(1<<(maxPerson+1) - 1)) } // #nosec G115 -- bounded

func (r *reader) member() (x Member) {
	r.attrs(func(key uint64) bool {
		switch key {
		case 1:
			x.Names = r.names()
		case 2:
			x.Person = uint8(r.uint(maxPerson)) // #nosec G115 -- bounded
		case 3:
			x.Relation = readEnum[relationNames](r)
		case 4:
			x.Guards = r.persons()
		case 5:
			x.Sex = readEnum[sexNames](r)
		case 6:
			x.Born = r.moment(Epoch)
		case 7:
			x.Phone = r.text(maxUnit)
		default:
			return false
		}
		return true
	})
	return x
}
