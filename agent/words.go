package agent

// wording is what people read about one failure: what happened and what to
// do, in Arabic, Sorani and English. Action is the short name by which a
// program may offer the remedy.
type wording struct {
	code, action string
	ar, ckb, en  string
}

// Actions that a page or program may offer.
const (
	actionTapAgain    = "tap_again"
	actionOtherCard   = "other_card"
	actionAskIssuer   = "ask_issuer"
	actionCheckReader = "check_reader"
	actionWait        = "wait"
	actionCorrect     = "correct_input"
	actionRenew       = "renew_certificate"
	actionCallSupport = "call_support"
	actionFreeReader  = "free_reader"
	actionCheckClock  = "check_clock"
	actionFreeDisk    = "free_disk"
)

// wordings is the one table of failure codes; docs/failure-codes.md lists the
// same ones, and a test holds the two together.
var wordings = []wording{
	{
		"card_removed", actionTapAgain, "رُفعت البطاقة قبل انتهاء القراءة. ضعها مجدداً وانتظر.",
		"کارتەکە پێش تەواوبوونی خوێندنەوە لابرا. دووبارە دایبنێ و چاوەڕێ بکە.",
		"The card was taken away too early. Put it back and wait.",
	},
	{
		"card_changed", actionTapAgain, "تبدّلت البطاقة أثناء القراءة. ضع بطاقة واحدة فقط.",
		"لە کاتی خوێندنەوەدا کارتەکە گۆڕدرا. تەنها یەک کارت دابنێ.",
		"The card answered as another card would. Put one card only on the reader and tap again.",
	},
	{
		"card_reset", actionTapAgain, "أعاد برنامج آخر تشغيل البطاقة. ضعها مجدداً.",
		"بەرنامەیەکی تر کارتەکەی سفر کردەوە. دووبارە دایبنێ.",
		"Another program reset the card. Tap it again.",
	},
	{
		"card_foreign", actionOtherCard, "هذه ليست بطاقة ضماني.",
		"ئەمە کارتی ضەمانی نییە.",
		"This is not a Dhamani card.",
	},
	{
		"card_issuer_unknown", actionAskIssuer, "لم تصدر هذه البطاقة عن جهة معتمدة.",
		"ئەم کارتە لەلایەن دەرکەرێکی متمانەپێکراوەوە دەرنەچووە.",
		"This card was not issued by a trusted issuer.",
	},
	{
		"card_not_genuine", actionAskIssuer, "فشل إثبات أصالة البطاقة. لا تقبلها.",
		"سەلماندنی ڕەسەنایەتی کارتەکە سەرکەوتوو نەبوو. وەریمەگرە.",
		"The card could not prove that it is genuine. Do not accept it.",
	},
	{
		"card_expired", actionAskIssuer, "انتهت صلاحية البطاقة.",
		"کارتەکە ماوەی بەسەرچووە.",
		"The card has expired.",
	},
	{
		"card_blocked", actionAskIssuer, "البطاقة موقوفة.",
		"کارتەکە ڕاگیراوە.",
		"The card is blocked.",
	},
	{
		"card_terminated", actionAskIssuer, "أُلغيت البطاقة نهائياً.",
		"کارتەکە بە یەکجاری هەڵوەشێندراوەتەوە.",
		"The card has been ended for good.",
	},
	{
		"card_blank", actionAskIssuer, "البطاقة غير مخصّصة لأحد بعد.",
		"کارتەکە هێشتا بۆ کەس ئامادە نەکراوە.",
		"The card has not been personalised yet.",
	},
	{
		"card_answer_bad", actionTapAgain, "أعطت البطاقة جواباً لا يُفهم.",
		"کارتەکە وەڵامێکی تێنەگەیشتراوی دا.",
		"The card gave an answer that makes no sense. Tap it again; if it happens again, have the card replaced.",
	},
	{
		"card_refused", actionCallSupport, "رفضت البطاقة الطلب.",
		"کارتەکە داواکارییەکەی ڕەتکردەوە.",
		"The card refused the request.",
	},
	{
		"card_log_altered", actionAskIssuer, "سجلّ البطاقة لا يطابق ما قُرئ منها سابقاً.",
		"تۆماری کارتەکە لەگەڵ خوێندنەوەی پێشوو یەک ناگرێتەوە.",
		"The card's log does not continue what was read from it before.",
	},
	{
		"card_full", actionWait, "البطاقة ممتلئة. حُفظت الزيارة هنا وتُرسل إلى المركز، وتُكتب على البطاقة عندما يتوفر مكان.",
		"کارتەکە پڕە. سەردانەکە لێرە پاشەکەوت کرا و دەنێردرێت بۆ ناوەند، و کاتێک جێگا هەبوو لە کارتەکە دەنووسرێت.",
		"The card's log is full. The visit is kept here, goes to the centre, and is written to the card when there is room; the card keeps its summary up to date.",
	},
	{
		"card_write_unknown", actionTapAgain, "رُفعت البطاقة أثناء الكتابة. القيد محفوظ؛ ضع البطاقة مجدداً لإكماله.",
		"لە کاتی نووسیندا کارتەکە لابرا. تۆمارەکە پارێزراوە؛ کارتەکە دابنێوە بۆ تەواوکردنی.",
		"The card was taken away during the write. The entry is safe; tap the card again to settle it.",
	},
	{
		"terminal_refused", actionRenew, "لم تقبل البطاقة شهادة هذه المحطة.",
		"کارتەکە بڕوانامەی ئەم وێستگەیەی قبوڵ نەکرد.",
		"The card did not accept this workstation's certificate.",
	},
	{
		"terminal_expired", actionRenew, "انتهت صلاحية شهادة هذه المحطة. جدّدها أو تحقّق من الساعة.",
		"بڕوانامەی ئەم وێستگەیە بەسەرچووە. نوێی بکەوە یان کاتژمێرەکە بپشکنە.",
		"This workstation's certificate has expired. Renew it, or check the clock.",
	},
	{
		"reader_absent", actionCheckReader, "قارئ البطاقات غير موصول.",
		"خوێنەرەوەی کارت نەبەستراوە.",
		"The card reader is not connected.",
	},
	{
		"reader_busy", actionFreeReader, "يستعمل برنامج آخر القارئ.",
		"بەرنامەیەکی تر خوێنەرەوەکە بەکاردەهێنێت.",
		"Another program is using the reader.",
	},
	{
		"reader_service_down", actionWait, "خدمة البطاقات متوقفة. نحاول الاتصال بها من جديد.",
		"خزمەتگوزاری کارت وەستاوە. هەوڵی پەیوەندیکردنەوە دەدرێت.",
		"The smart card service is not running. Connection is being tried again.",
	},
	{
		"reader_failed", actionCheckReader, "تعذّر على القارئ إيصال الأمر. أعد توصيله ثم ضع البطاقة.",
		"خوێنەرەوەکە نەیتوانی فەرمانەکە بگەیەنێت. دووبارە بیبەستەوە و کارتەکە دابنێ.",
		"The reader failed to pass a command on. Plug it in again, then tap the card.",
	},
	{
		"card_mute", actionTapAgain, "لا تجيب البطاقة. تحقّق من اتجاهها.",
		"کارتەکە وەڵام ناداتەوە. ئاڕاستەکەی بپشکنە.",
		"The card does not answer. Check which way round it is.",
	},
	{
		"card_slow", actionTapAgain, "تأخّرت البطاقة في الجواب. ضعها مجدداً، وإن تكرّر ذلك فاستبدلها.",
		"کارتەکە درەنگ وەڵام دەداتەوە. دووبارە دایبنێ؛ ئەگەر دووبارە بووەوە، بیگۆڕە.",
		"The card answers too slowly. Tap it again; if it happens again, have the card replaced.",
	},
	{
		"card_two", actionTapAgain, "في القارئ بطاقتان. ارفعهما وضع بطاقة واحدة فقط.",
		"دوو کارت لە خوێنەرەوەکەدان. هەردووکیان لاببە و تەنها یەکێکیان دابنێ.",
		"Two cards are in the reader. Take both away and present one only.",
	},
	{
		"entry_signature", actionCallSupport, "قيد غير صحيح التوقيع أُخفي.",
		"تۆمارێک بە واژووی نادروست شاردرایەوە.",
		"An entry whose signature is not right was set aside.",
	},
	{
		"entry_altered", actionCallSupport, "قيد تغيّر بعد كتابته أُخفي.",
		"تۆمارێکی دەستکاریکراو شاردرایەوە.",
		"An entry that was changed after it was written was set aside.",
	},
	{
		"entry_malformed", actionCallSupport, "قيد لا يمكن قراءته أُخفي.",
		"تۆمارێک کە ناخوێندرێتەوە شاردرایەوە.",
		"An entry that cannot be read was set aside.",
	},
	{
		"entry_author_unknown", actionWait, "كاتب أحد القيود غير معروف بعد. تُحدَّث القائمة عند الاتصال.",
		"نووسەری تۆمارێک هێشتا نەناسراوە. لیستەکە لە کاتی پەیوەندیدا نوێ دەبێتەوە.",
		"The author of an entry is not known here yet. The list is renewed when the centre is reached.",
	},
	{
		"entry_author_invalid", actionCallSupport, "كُتب قيد بمفتاح ملغى أو منتهٍ، فأُخفي.",
		"تۆمارێک بە کلیلێکی هەڵوەشاوە یان بەسەرچوو نووسراوە و شاردرایەوە.",
		"An entry written with a revoked or expired key was set aside.",
	},
	{
		"verify_wrong", actionCorrect, "الرمز السري أو البصمة غير صحيحة. أعد المحاولة؛ المحاولات محدودة.",
		"ژمارەی نهێنی یان پەنجەمۆر دروست نییە. دووبارە هەوڵ بدەوە؛ هەوڵەکان سنووردارن.",
		"The PIN or the finger is not right. Try again; the tries are limited.",
	},
	{
		"verify_blocked", actionAskIssuer, "استُنفدت المحاولات. تُعيدها الجهة المُصدِرة.",
		"هەوڵەکان تەواو بوون. دەرکەری کارت دەتوانێت بیکاتەوە.",
		"No tries are left. The issuer can give them back.",
	},
	{
		"verify_none", actionAskIssuer, "لا تحمل البطاقة رمزاً سرياً ولا بصمة لهذا التحقق.",
		"کارتەکە ژمارەی نهێنی یان پەنجەمۆری بۆ ئەم پشتڕاستکردنەوەیە تێدا نییە.",
		"The card holds no such PIN or finger.",
	},
	{
		"finger_replayed", actionCorrect, "هذه الصورة نفسها أُخذت من قبل. ضع إصبعك من جديد.",
		"هەمان ئەم وێنەیە پێشتر وەرگیراوە. پەنجەت سەرلەنوێ دابنێ.",
		"This very image of a finger was captured before. Put the finger on anew; if it happens again, look at the scanner.",
	},
	{
		"finger_poor", actionCorrect, "لا يظهر من الإصبع ما يكفي للمقارنة. امسحه وأعد المحاولة أو استعمل إصبعاً آخر.",
		"پەنجەکە بۆ بەراوردکردن بە تەواوی دەرناکەوێت. بیسڕەوە و دووبارە هەوڵ بدەوە، یان پەنجەیەکی تر بەکاربهێنە.",
		"The finger shows too little to be compared. Wipe it and try again, or take another finger.",
	},
	{
		"finger_other", actionCorrect, "لا يطابق هذا الإصبع أيّ إصبع مسجّل على البطاقة.",
		"ئەم پەنجەیە لەگەڵ هیچ پەنجەیەکی تۆمارکراوی سەر کارتەکە یەک ناگرێتەوە.",
		"The finger is none of those enrolled on the card. Try again, or another finger.",
	},
	{
		"finger_right", actionRenew, "لا تملك هذه المحطة حق مقارنة البصمات بنفسها. استعمل مقارنة البطاقة.",
		"ئەم وێستگەیە مافی بەراوردکردنی پەنجەمۆری نییە. بەراوردکردنی کارتەکە بەکاربهێنە.",
		"The certificate does not allow this workstation to compare fingers itself. Have the card compare.",
	},
	{
		"finger_way", actionCorrect, "طريقة المقارنة غير معروفة: card أو host.",
		"شێوازی بەراوردکردن نەناسراوە: card یان host.",
		"A finger is compared by the card or by the host; there is no other way.",
	},
	{
		"finger_none", actionCorrect, "لم يوضع إصبع على الماسح في الوقت المحدد.",
		"لە کاتی دیاریکراودا هیچ پەنجەیەک لەسەر سکانەرەکە دانەنرا.",
		"No finger was put on the scanner in time.",
	},
	{
		"scanner_absent", actionCheckReader, "لا يوجد ماسح بصمات صالح موصول.",
		"هیچ سکانەرێکی پەنجەمۆری گونجاو نەبەستراوە.",
		"No fingerprint scanner that can be used is plugged in.",
	},
	{
		"scanner_busy", actionFreeReader, "ماسح البصمات قيد الاستعمال.",
		"سکانەری پەنجەمۆرەکە بەکاردەهێنرێت.",
		"The fingerprint scanner is in use.",
	},
	{
		"scanner_denied", actionCallSupport, "لا تملك الخدمة إذن فتح ماسح البصمات.",
		"خزمەتگوزارییەکە مۆڵەتی کردنەوەی سکانەری پەنجەمۆری نییە.",
		"The agent may not open the fingerprint scanner. Install the udev rule.",
	},
	{
		"scanner_failed", actionCheckReader, "توقّف ماسح البصمات. أعد توصيله وحاول مجدداً.",
		"سکانەری پەنجەمۆرەکە کارناکات. دووبارە بیبەستەوە و هەوڵ بدەوە.",
		"The fingerprint scanner failed. Plug it in again and try again.",
	},
	{
		"pin_form", actionCorrect, "يتكوّن الرمز السري من 4 إلى 8 أرقام.",
		"ژمارەی نهێنی 4 تا 8 ژمارەیە.",
		"A PIN has 4 to 8 digits.",
	},
	{
		"section_locked", actionCorrect, "لا يحق لهذا الدور كتابة هذا الجزء من السجل.",
		"ئەم ڕۆڵە مافی نووسینی ئەم بەشەی تۆماری نییە.",
		"This role may not write this part of the record.",
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
	{
		"operator_secret", actionCorrect, "كلمة المرور أو الرمز غير صحيح.",
		"وشەی نهێنی یان کۆدەکە هەڵەیە.",
		"The passphrase or PIN is wrong.",
	},
	{
		"operator_card_absent", actionCorrect, "ضع بطاقة المستخدم في قارئ فارغ.",
		"کارتی بەکارهێنەرەکە بخەرە خوێنەرێکی بەتاڵەوە.",
		"Put the operator's own card into a free reader.",
	},
	{
		"operator_card_blocked", actionCallSupport, "رمز بطاقة المستخدم محجوب بعد محاولات خاطئة كثيرة.",
		"کۆدی کارتی بەکارهێنەرەکە دوای هەوڵی هەڵەی زۆر داخراوە.",
		"The PIN of the operator's card is blocked after too many wrong tries.",
	},
	{
		"operator_wait", actionWait, "محاولات خاطئة كثيرة. انتظر قبل المحاولة التالية.",
		"هەوڵی هەڵەی زۆر درا. پێش هەوڵی داهاتوو چاوەڕێ بکە.",
		"Too many wrong tries. Wait before the next one.",
	},
	{
		"operator_unknown", actionCorrect, "لا يوجد مستخدم بهذا الاسم على هذا الجهاز.",
		"لەم ئامێرەدا بەکارهێنەرێک بەم ناوە نییە.",
		"Nobody of that name may sign in at this workstation.",
	},
	{
		"operator_not_granted", actionCallSupport, "لم تصل موافقة المركز على هذا المستخدم بعد.",
		"هێشتا ڕەزامەندی ناوەند بۆ ئەم بەکارهێنەرە نەگەیشتووە.",
		"The centre's grant for this operator is not in place yet.",
	},
	{
		"operator_needed", actionCorrect, "سجّل الدخول أولاً.",
		"سەرەتا بچۆ ژوورەوە.",
		"Sign in first.",
	},
	{
		"cardless_reason", actionCorrect, "تحتاج الزيارة بلا بطاقة إلى سبب وإلى مقارنة الصورة.",
		"سەردانی بێ کارت پێویستی بە هۆکار و بەراوردکردنی وێنە هەیە.",
		"A visit without a card needs a reason, and the photo compared.",
	},
	{
		"cardless_refused", actionCallSupport, "لم يقبل المركز طلب هذا المستخدم. افحص الساعة، وإن تكرر ذلك فاتصل بالدعم.",
		"ناوەند داواکاری ئەم بەکارهێنەرەی قبوڵ نەکرد. کاتژمێرەکە بپشکنە، ئەگەر دووبارە بووەوە پەیوەندی بە پشتگیری بکە.",
		"The centre does not take this operator's order. Check the clock; if it stays, call support.",
	},
	{
		"cardless_limit", actionWait, "طلبات كثيرة لزيارات بلا بطاقة. انتظر قبل الطلب التالي.",
		"داواکاری زۆر بۆ سەردانی بێ کارت کراوە. پێش داواکاری داهاتوو چاوەڕێ بکە.",
		"Too many visits without a card were asked for. Wait before the next one.",
	},
	{
		"cardless_unknown", actionCorrect, "لا يعرف المركز هذا المريض أو هذا الشخص. تحقق من الرقم.",
		"ناوەند ئەم نەخۆشە یان ئەم کەسە ناناسێت. ژمارەکە بپشکنە.",
		"The centre knows no such patient or person. Check the number.",
	},
	{
		"stripe_misread", actionCorrect, "لم يُقرأ الشريط المغناطيسي. مرّر البطاقة مجدداً أو اكتب الرقم.",
		"شریتە موگناتیسییەکە نەخوێندرایەوە. کارتەکە دووبارە تێپەڕێنە یان ژمارەکە بنووسە.",
		"The magnetic stripe was not read. Swipe the card again, or type its number.",
	},
	{
		"stripe_foreign", actionOtherCard, "البطاقة الممرّرة ليست من بطاقات البرنامج.",
		"کارتە تێپەڕێنراوەکە کارتی بەرنامەکە نییە.",
		"The card that was swiped is not one of the programme.",
	},
	{
		"claim_bad", actionCorrect, "هذا الرمز ليس تصريحاً صحيحاً من البرنامج. امسحه كاملاً مجدداً.",
		"ئەم کۆدە ڕاگەیاندنێکی دروستی بەرنامەکە نییە. دووبارە بە تەواوی سکانی بکە.",
		"The code is no good claim of the programme. Scan the whole code again.",
	},
	{
		"claim_ended", actionOtherCard, "انتهت صلاحية الرمز أو أن تاريخه غير صحيح. اطلب البطاقة.",
		"ماوەی کۆدەکە بەسەرچووە یان ڕێکەوتەکەی هەڵەیە. داوای کارتەکە بکە.",
		"The code has ended, or is dated in the future. Ask for the card, or check the clock.",
	},
	{
		"claim_author", actionOtherCard, "الجهة التي أصدرت الرمز غير معتمدة هنا. اطلب البطاقة.",
		"ئەو لایەنەی کۆدەکەی دروست کردووە لێرە متمانەپێکراو نییە. داوای کارتەکە بکە.",
		"Who made the code is not, or no longer, trusted here. Ask for the card.",
	},
	{
		"cache_corrupt", actionCallSupport, "كان ملف الحفظ المحلي تالفاً. حُفظ جانباً وبدأ ملف جديد.",
		"فایلی پاشەکەوتی ناوخۆیی تێکچووبوو. خرایە لاوە و فایلێکی نوێ دەستی پێکرد.",
		"The local store was damaged. It was set aside and a new one begun.",
	},
	{
		"cache_locked", actionCallSupport, "برنامج آخر يستعمل ملف الحفظ المحلي.",
		"بەرنامەیەکی تر فایلی پاشەکەوتی ناوخۆیی بەکاردەهێنێت.",
		"Another program is using the local store.",
	},
	{
		"cache_wrong_key", actionCallSupport, "مفتاح الحفظ المحلي لا يفتح هذا الملف.",
		"کلیلی پاشەکەوتی ناوخۆیی ئەم فایلە ناکاتەوە.",
		"The local store was written under another key.",
	},
	{
		"centre_offline", actionWait, "المركز غير متصل. العمل مستمر وتُرسل القيود لاحقاً.",
		"ناوەند بەردەست نییە. کار بەردەوامە و تۆمارەکان دواتر دەنێردرێن.",
		"The centre is out of reach. Work goes on; entries are sent later.",
	},
	{
		"centre_garbled", actionCallSupport, "أجاب المركز بما لا يُفهم. القيود محفوظة هنا.",
		"ناوەند وەڵامێکی تێنەگەیشتراوی دایەوە. تۆمارەکان لێرە پارێزراون.",
		"The centre answered with something that makes no sense. The entries stay here.",
	},
	{
		"centre_refused", actionCallSupport, "رفض المركز الطلب.",
		"ناوەند داواکارییەکەی ڕەتکردەوە.",
		"The centre refused the request.",
	},
	{
		"list_rollback", actionCallSupport, "قائمة الثقة المستلمة أقدم من الموجودة، فلم تُقبل.",
		"لیستی متمانەی نێردراو کۆنترە لەوەی هەیە، بۆیە وەرنەگیرا.",
		"A trust list older than the one in use was offered and refused.",
	},
	{
		"cancelled", actionWait, "أُلغيت العملية.", "کردارەکە هەڵوەشێنرایەوە.", "The operation was cancelled.",
	},
	{
		"internal", actionCallSupport, "خطأ غير متوقع. أعد المحاولة ثم اتصل بالدعم.",
		"هەڵەیەکی چاوەڕواننەکراو. دووبارە هەوڵ بدەوە، پاشان پەیوەندی بە پشتگیری بکە.",
		"Something unexpected happened. Try again, then call support.",
	},
}
