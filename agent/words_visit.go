package agent

// visitWordings are the words for what goes wrong with a visit and its entries.
var visitWordings = []wording{
	{
		"alerts_open", actionCorrect, "في الزيارة تنبيهات تحتاج إلى جواب قبل الكتابة: غيّر الوصفة، أو اختر سبباً.",
		"سەردانەکە ئاگادارییەکی تێدایە کە پێش نووسین پێویستی بە وەڵامە: ڕەچەتەکە بگۆڕە یان هۆکارێک هەڵبژێرە.",
		"The visit has alerts that must be answered before it is written: change what is prescribed, or give a reason.",
	},
	{
		"section_locked", actionCorrect, "لا يحق لهذا الدور كتابة هذا الجزء من السجل.",
		"ئەم ڕۆڵە مافی نووسینی ئەم بەشەی تۆماری نییە.",
		"This role may not write this part of the record.",
	},
	{
		"entry_amend_unknown", actionCorrect, "القيد المراد تصحيحه ليس بين قيود هذا الشخص على هذا الجهاز.",
		"ئەو تۆمارەی ڕاست دەکرێتەوە لە نێو تۆمارەکانی ئەم کەسەدا لەم ئامێرەدا نییە.",
		"The entry to correct is not among this person's entries here.",
	},
	{
		"entry_amended", actionCorrect, "صُحّح هذا القيد من قبل. صحّح القيد الأحدث.",
		"ئەم تۆمارە پێشتر ڕاست کراوەتەوە. تۆمارە نوێترەکە ڕاست بکەرەوە.",
		"This entry is corrected already. Correct the newer one.",
	},
	{
		"entry_amend_author", actionCorrect, "لا يصحّح القيد إلا كاتبه أو طبيب.",
		"تەنها نووسەرەکەی یان پزیشکێک دەتوانێت تۆمارەکە ڕاست بکاتەوە.",
		"Only its author or a physician may correct an entry.",
	},
	{
		"person_other", actionCorrect, "كُتب القيد لشخص غير المعروض. افتح سجلّ الشخص الصحيح أولاً.",
		"تۆمارەکە بۆ کەسێکی ترە جگە لەوەی پیشان دراوە. سەرەتا تۆماری کەسە دروستەکە بکەرەوە.",
		"The visit shows another person of the card than the entry is for. Choose the right person first.",
	},
	{
		"person_unknown", actionAskIssuer, "لا تحمل هذه البطاقة هذا الشخص.",
		"ئەم کەسە لەسەر ئەم کارتە نییە.",
		"The card does not carry this person.",
	},
	{
		"cover_question", actionCorrect, "لا جواب عن سؤال التغطية: راجع الكلفة.",
		"پرسیاری داپۆشین وەڵامی نییە: تێچووەکە بپشکنە.",
		"The question about the cover has no answer: check the cost.",
	},
	{
		"entry_invalid", actionCorrect, "بيانات الزيارة ناقصة أو غير صحيحة.",
		"زانیاری سەردانەکە ناتەواوە یان هەڵەیە.",
		"The visit's data are incomplete or wrong.",
	},
	{
		"entry_too_large", actionCorrect, "الزيارة أكبر مما تتسع له كتابة واحدة.",
		"سەردانەکە لە یەک نووسین گەورەترە.",
		"The visit is larger than one write to the card can hold.",
	},
	{
		"entry_time_invalid", actionCorrect, "وقت الزيارة غير مقبول: في المستقبل أو خارج صلاحية مفتاح الكاتب.",
		"کاتی سەردانەکە پەسەند نییە: لە داهاتوودایە یان لە دەرەوەی ماوەی کلیلی نووسەرە.",
		"The visit's time is not acceptable: it lies ahead, or outside the time for which the author's key is valid.",
	},
	{
		"clock_wrong", actionCheckClock, "ساعة هذا الجهاز غير صحيحة. صحّحها قبل الكتابة.",
		"کاتژمێری ئەم ئامێرە هەڵەیە. پێش نووسین ڕاستی بکەرەوە.",
		"This machine's clock is wrong. Correct it before anything is written.",
	},
	{
		"standing_ahead", actionCheckClock, "رصيد المركز مؤرَّخ في المستقبل: ساعة هذا الجهاز أو ساعة المركز غير صحيحة.",
		"ژمارەکانی ناوەند بەرواری داهاتوویان هەیە: کاتژمێری ئەم ئامێرە یان هی ناوەند هەڵەیە.",
		"The centre's counters are dated in the future: this machine's clock or the centre's is wrong.",
	},
	{
		"summary_not_updated", actionTapAgain, "كُتب القيد، لكن ملخص الطوارئ على البطاقة لم يُحدَّث.",
		"تۆمارەکە نووسرا، بەڵام پوختەی فریاکەوتن لەسەر کارتەکە نوێ نەکرایەوە.",
		"The entry is written, but the emergency summary on the card is not up to date.",
	},
	{
		"disk_full", actionFreeDisk, "قرص هذا الجهاز ممتلئ. أفرغ مساحة قبل متابعة الكتابة.",
		"دیسکی ئەم ئامێرە پڕە. پێش بەردەوامبوون لە نووسین شوێن بکەرەوە.",
		"This machine's disk is full. Free some space before you go on writing.",
	},
	{
		"visit_unknown", actionTapAgain, "انتهت هذه الزيارة. ضع البطاقة مجدداً.",
		"ئەم سەردانە کۆتایی هات. کارتەکە دووبارە دابنێ.",
		"This visit has ended. Tap the card again.",
	},
}
