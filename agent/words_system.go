package agent

// systemWordings are the words for what goes wrong with cache, centre and everything else.
var systemWordings = []wording{
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
		"list_refused", actionCallSupport, "وصلت من المركز قائمة أو قواعد لا يستطيع هذا البرنامج استعمالها. تبقى السابقة سارية.",
		"لیستێک یان ڕێسایەک لە ناوەندەوە هات کە ئەم بەرنامەیە ناتوانێت بەکاریبهێنێت. ئەوەی پێشوو هەر کاری پێ دەکرێت.",
		"A list or rules came from the centre that this program cannot use. Those before stay in force.",
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
