"""The languages that :mod:`.languages` knows, as one table.

A line is: ISO 639-1 code (639-3 where there is none), further codes (639-3, 639-2/B, that of the standard variety), a
colon, English names, a semicolon, own names. The first English name is the one that is shown.
"""

from __future__ import annotations

TABLE = """
af afr: Afrikaans;
am amh: Amharic; አማርኛ
ar ara arb: Arabic, Modern Standard Arabic; العربية, عربي
as asm: Assamese; অসমীয়া
ast: Asturian; asturianu
ay aym ayr: Aymara; aymar aru
az aze azj: Azerbaijani, Azeri; azərbaycanca, azərbaycan dili
ba bak: Bashkir; башҡорт теле
be bel: Belarusian, Belorussian; беларуская
bg bul: Bulgarian; български
bn ben: Bengali, Bangla; বাংলা
bo bod tib: Tibetan; བོད་སྐད་
br bre: Breton; brezhoneg
bs bos: Bosnian; bosanski
ca cat: Catalan, Valencian; català
ceb: Cebuano; Binisaya
ckb: Central Kurdish, Sorani; کوردیی ناوەندی
co cos: Corsican; corsu
cs ces cze: Czech; čeština, česky
cy cym wel: Welsh; Cymraeg
da dan: Danish; dansk
de deu ger: German; Deutsch, 德语
dv div: Dhivehi, Divehi, Maldivian; ދިވެހި
dz dzo: Dzongkha; རྫོང་ཁ
el ell gre: Greek, Modern Greek; ελληνικά
en eng: English; 英语, 英文
eo epo: Esperanto; esperanto
es spa: Spanish, Castilian; español, castellano, 西班牙语
et est ekk: Estonian; eesti
eu eus baq: Basque; euskara
fa fas per pes: Persian, Farsi; فارسی
ff ful fuv: Fulah, Fula, Fulani; Fulfulde, Pulaar
fi fin: Finnish; suomi
fj fij: Fijian; Na Vosa Vakaviti
fo fao: Faroese; føroyskt
fr fra fre: French; français, 法语
fy fry: Western Frisian, Frisian; Frysk
ga gle: Irish, Irish Gaelic; Gaeilge
gd gla: Scottish Gaelic, Gaelic; Gàidhlig
gl glg: Galician; galego
gn grn gug: Guarani; avañe'ẽ
gu guj: Gujarati; ગુજરાતી
ha hau: Hausa; Hausa
haw: Hawaiian; ʻŌlelo Hawaiʻi
he iw heb: Hebrew; עברית
hi hin: Hindi; हिन्दी, हिंदी
hmn: Hmong; Hmoob
hr hrv: Croatian; hrvatski
ht hat: Haitian Creole, Haitian; Kreyòl ayisyen
hu hun: Hungarian; magyar
hy hye arm: Armenian; հայերեն
id ind: Indonesian; Bahasa Indonesia
ig ibo: Igbo; Igbo
ilo: Iloko, Ilocano; Ilokano
is isl ice: Icelandic; íslenska
it ita: Italian; italiano, 意大利语
ja jpn: Japanese; 日本語, 日语
jv jav: Javanese; Basa Jawa
ka kat geo: Georgian; ქართული
kk kaz: Kazakh; қазақ тілі, қазақша
km khm: Khmer, Cambodian; ខ្មែរ, ភាសាខ្មែរ
kn kan: Kannada; ಕನ್ನಡ
ko kor: Korean; 한국어, 한국말, 韩语
ku kur kmr: Kurdish, Northern Kurdish, Kurmanji; kurdî
ky kir: Kyrgyz, Kirghiz; кыргызча
la lat: Latin; Latina
lb ltz: Luxembourgish; Lëtzebuergesch
lg lug: Ganda, Luganda; Oluganda
ln lin: Lingala; lingála
lo lao: Lao; ລາວ
lt lit: Lithuanian; lietuvių
lv lav lvs: Latvian; latviešu
mai: Maithili; मैथिली
mg mlg plt: Malagasy; Malagasy
mi mri mao: Maori; Māori, te reo Māori
mk mkd mac: Macedonian; македонски
ml mal: Malayalam; മലയാളം
mn mon khk: Mongolian; монгол
mr mar: Marathi; मराठी
ms msa may zsm: Malay; Bahasa Melayu
mt mlt: Maltese; Malti
my mya bur: Burmese, Myanmar; မြန်မာ, မြန်မာဘာသာ
nb nob: Norwegian Bokmål, Bokmål; norsk bokmål
ne nep npi: Nepali; नेपाली
nl nld dut: Dutch, Flemish; Nederlands
nn nno: Norwegian Nynorsk, Nynorsk; norsk nynorsk
no nor: Norwegian; norsk
nso: Northern Sotho, Pedi, Sepedi; Sesotho sa Leboa
ny nya: Chichewa, Chewa, Nyanja; Chinyanja
oc oci: Occitan; occitan
om orm gaz: Oromo; Afaan Oromoo
or ori ory: Odia, Oriya; ଓଡ଼ିଆ
pa pan: Punjabi, Panjabi; ਪੰਜਾਬੀ
pl pol: Polish; polski
ps pus pbt: Pashto; پښتو
pt por: Portuguese; português, 葡萄牙语
qu que quy: Quechua; Runa Simi
ro mo ron rum: Romanian, Moldavian; română
ru rus: Russian; русский, 俄语
rw kin: Kinyarwanda; Ikinyarwanda
sa san: Sanskrit; संस्कृतम्
sd snd: Sindhi; سنڌي
si sin: Sinhala, Sinhalese; සිංහල
sk slk slo: Slovak; slovenčina
sl slv: Slovenian, Slovene; slovenščina
sm smo: Samoan; Gagana Sāmoa
sn sna: Shona; chiShona
so som: Somali; Soomaali
sq sqi alb als: Albanian; shqip
sr srp: Serbian; српски, srpski
ss ssw: Swati, Swazi; siSwati
st sot: Southern Sotho, Sesotho; Sesotho
su sun: Sundanese; Basa Sunda
sv swe: Swedish; svenska
sw swa swh: Swahili; Kiswahili
ta tam: Tamil; தமிழ்
te tel: Telugu; తెలుగు
tg tgk: Tajik; тоҷикӣ
th tha: Thai; ไทย, ภาษาไทย, 泰语
ti tir: Tigrinya; ትግርኛ
tk tuk: Turkmen; türkmençe
tl tgl fil: Tagalog, Filipino, Pilipino; Wikang Tagalog
tn tsn: Tswana; Setswana
to ton: Tongan; lea faka-Tonga
tr tur: Turkish; Türkçe
ts tso: Tsonga; Xitsonga
tt tat: Tatar; татарча
ug uig: Uyghur, Uighur; ئۇيغۇرچە
uk ukr: Ukrainian; українська
ur urd: Urdu; اردو
uz uzb uzn: Uzbek; oʻzbekcha, o'zbekcha
vi vie: Vietnamese; Tiếng Việt, 越南语
wo wol: Wolof; Wolof
xh xho: Xhosa; isiXhosa
yi yid ydd: Yiddish; ייִדיש
yo yor: Yoruba; Yorùbá
yue: Cantonese, Yue Chinese; 粵語, 粤语, 廣東話, 广东话
zh zho chi cmn: Chinese, Mandarin, Mandarin Chinese; 中文, 汉语, 漢語, 普通话, 华语, 國語
zu zul: Zulu; isiZulu
"""

SCRIPTS = {
    "Arab": "ar ckb fa ps sd ug ur",
    "Armn": "hy",
    "Beng": "as bn",
    "Cyrl": "ba be bg kk ky mk mn ru tg tt uk sr uz",
    "Deva": "hi mai mr ne sa",
    "Ethi": "am ti",
    "Geor": "ka",
    "Grek": "el",
    "Gujr": "gu",
    "Guru": "pa",
    "Hang": "ko",
    "Hani": "zh yue ja ko",
    "Hebr": "he yi",
    "Kana": "ja",
    "Khmr": "km",
    "Knda": "kn",
    "Laoo": "lo",
    "Mlym": "ml",
    "Mymr": "my",
    "Orya": "or",
    "Sinh": "si",
    "Taml": "ta",
    "Telu": "te",
    "Thaa": "dv",
    "Thai": "th",
    "Tibt": "bo dz",
}
"""Script (ISO 15924) -> languages written in it; those named nowhere are written in ``Latn``."""

ALSO_LATIN = "kk sr uz ckb"
"""Languages written in the Latin script besides that above."""

CHARACTERS = {
    "Latn": "41-5A 61-7A AA BA C0-D6 D8-F6 F8-24F 1E00-1EFF 2C60-2C7F A722-A7FF FF21-FF3A FF41-FF5A",
    "Grek": "370-3E1 3F0-3FF 1F00-1FFF",
    "Cyrl": "400-52F 1C80-1C8F 2DE0-2DFF A640-A69F",
    "Armn": "530-58F",
    "Hebr": "591-5F4 FB1D-FB4F",
    "Arab": "610-6FF 750-77F 8A0-8FF FB50-FDFF FE70-FEFC",
    "Thaa": "780-7BF",
    "Deva": "900-963 966-97F A8E0-A8FF",
    "Beng": "980-9FF",
    "Guru": "A00-A7F",
    "Gujr": "A80-AFF",
    "Orya": "B00-B7F",
    "Taml": "B80-BFF",
    "Telu": "C00-C7F",
    "Knda": "C80-CFF",
    "Mlym": "D00-D7F",
    "Sinh": "D80-DFF",
    "Thai": "E00-E7F",
    "Laoo": "E80-EFF",
    "Tibt": "F00-FFF",
    "Mymr": "1000-109F A9E0-A9FF AA60-AA7F",
    "Geor": "10A0-10FF 1C90-1CBF 2D00-2D2F",
    "Ethi": "1200-139F 2D80-2DDF AB00-AB2F",
    "Khmr": "1780-17FF",
    "Kana": "3041-3096 309D-309F 30A1-30FA 30FD-30FF 31F0-31FF FF66-FF9D",
    "Hang": "1100-11FF 3131-318E A960-A97F AC00-D7FB",
    "Hani": "3005 3007 3400-4DBF 4E00-9FFF F900-FAFF 20000-323AF",
}
"""Script -> code points of its characters, singly or from the first to the last."""
