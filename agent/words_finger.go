package agent

// fingerWordings are the words for what goes wrong with PIN, finger and scanner.
var fingerWordings = []wording{
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
		"finger_slept", actionCorrect, "كان الجهاز في وضع السكون. ضع إصبعك من جديد.",
		"کۆمپیوتەرەکە لە دۆخی خەودا بوو. پەنجەت سەرلەنوێ دابنێ.",
		"The machine slept meanwhile. Put the finger on once more.",
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
		"finger_artefact", actionCorrect, "يرى الماسح أن ما وُضع عليه ليس إصبعاً حياً. امسح الماسح والإصبع وأعد المحاولة.",
		"سکانەرەکە دەڵێت ئەوەی لەسەری دانراوە پەنجەیەکی زیندوو نییە. سکانەر و پەنجەکە بسڕەوە و دووبارە هەوڵ بدەوە.",
		"The scanner takes this for no living finger. Wipe scanner and finger and try again, with somebody looking on.",
	},
	{
		"finger_unproven", actionCheckReader, "لا يثبت هذا الماسح أن الإصبع حي، وهذه المحطة تشترط ذلك.",
		"ئەم سکانەرە ناسەلمێنێت کە پەنجەکە زیندووە، و ئەم وێستگەیە ئەوەی دەوێت.",
		"This scanner does not say that a finger is alive, and this workstation asks for that.",
	},
	{
		"finger_elsewhere", actionCallSupport, "قُبلت هذه البصمة هنا لمريض آخر أيضاً. تابع الرعاية وتحقّق من هوية حامل البطاقة.",
		"ئەم پەنجەمۆرە لێرە بۆ نەخۆشێکی تریش پەسەند کراوە. چارەسەرەکە بەردەوام بێت و ناسنامەی خاوەن کارتەکە بپشکنە.",
		"This finger was accepted here for another patient as well. Go on with the care, and look at whose card this is.",
	},
	{
		"attest_form", actionCorrect, "اختر كيف عُرف المريض ولماذا لم تُستعمل البصمة أو الرمز السري.",
		"هەڵبژێرە چۆن نەخۆشەکە ناسراوە و بۆچی پەنجەمۆر یان ژمارەی نهێنی بەکارنەهێنراوە.",
		"Say how the patient is known, and why neither finger nor PIN was used.",
	},
	{
		"scanner_soft", actionCheckReader, "يعمل هنا ماسح بصمات افتراضي: بصماته مصطنعة ولا تثبت هوية أحد.",
		"لێرە سکانەرێکی پەنجەمۆری خەیاڵی بەکاردێت: پەنجەمۆرەکانی دروستکراون و ناسنامەی کەس ناسەلمێنن.",
		"A soft scanner is in use here: its fingers are made up and prove nobody.",
	},
	{
		"pin_form", actionCorrect, "يتكوّن الرمز السري من 4 إلى 8 أرقام.",
		"ژمارەی نهێنی 4 تا 8 ژمارەیە.",
		"A PIN has 4 to 8 digits.",
	},
}
