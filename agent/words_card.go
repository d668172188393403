package agent

// cardWordings are the words for what goes wrong with cards, terminals, readers and entries.
var cardWordings = []wording{
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
}
