package agent

// operatorWordings are the words for what goes wrong with operators, visits without a card, stripes and claims.
var operatorWordings = []wording{
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
}
