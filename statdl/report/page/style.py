"""The look of pages: for light and dark, wide and narrow screens, and paper."""

STYLE = """\
:root{color-scheme:light dark;--paper:#f5f7f9;--card:#ffffff;--ink:#24292f;--faint:#57606a;\
--rule:#d8dee4;--accent:#0072b2;--code:#f0f3f6}
@media screen and (prefers-color-scheme:dark){:root{--paper:#0d1117;--card:#14181d;--ink:#e6eaee;\
--faint:#98a2ad;--rule:#2c333b;--accent:#56b4e9;--code:#1b2128}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);overflow-wrap:break-word;\
font:1rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans KR",sans-serif}
header,nav,main,footer{max-width:62rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.5rem}
h1{margin:0;font-size:clamp(1.5rem,1.2rem + 1.6vw,2.2rem);line-height:1.2;letter-spacing:-.01em;\
overflow-wrap:anywhere}
h2{margin:0 0 .75rem;font-size:1.25rem;line-height:1.3}
.subtitle{margin:.4rem 0 0;color:var(--faint);overflow-wrap:anywhere}
p{max-width:46rem;margin:.6rem 0}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
main:focus{outline:none}
.skip{position:absolute;left:-100vw}
.skip:focus{left:.5rem;top:.5rem;padding:.4rem .8rem;background:var(--card);z-index:1}
nav ol{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:1.25rem 0 0;padding:.75rem 0 0;\
list-style:none;border-top:1px solid var(--rule)}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
section{margin:1.25rem 0;padding:1.5rem;background:var(--card);border:1px solid var(--rule);\
border-radius:10px;min-width:0;scroll-margin-top:1rem}
section>:last-child{margin-bottom:0}
footer{padding-bottom:2.5rem;color:var(--faint);font-size:.875rem}
pre{margin:.75rem 0;padding:.75rem 1rem;overflow-x:auto;background:var(--code);border-radius:6px;\
font-size:.875rem;line-height:1.5}
code{font-family:ui-monospace,"Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
dl{margin:0}
dt{color:var(--faint)}
dd{margin:0}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.5rem 1rem;\
margin:.75rem 0}
.facts dt{font-size:.8125rem}
.facts dd{overflow-wrap:anywhere}
.large{grid-template-columns:repeat(auto-fit,minmax(7rem,1fr));gap:.75rem;margin:1.5rem 0 0}
.large div{padding:.7rem .9rem;background:var(--card);border:1px solid var(--rule);\
border-radius:10px}
.large dd{font-size:1.375rem;font-weight:600;line-height:1.3;font-variant-numeric:tabular-nums}
.readings{display:grid;gap:.9rem;margin:.75rem 0}
.readings div{display:grid;grid-template-columns:minmax(7rem,12rem) minmax(0,1fr);gap:.1rem 1.25rem}
.readings dt{color:var(--ink);font-weight:600;overflow-wrap:anywhere}
.readings dd{max-width:46rem;overflow-wrap:anywhere}
figure{margin:1.25rem 0}
figure img{display:block;max-width:100%;height:auto;margin:0 auto}
figure .dark{display:none}
@media screen and (prefers-color-scheme:dark){figure .light{display:none}\
figure .dark{display:block}}
.gallery{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));\
gap:1.25rem 2rem;margin:1.25rem 0;align-items:start}
.gallery figure{margin:0;min-width:0}
.gallery img{width:100%;max-width:32rem}
figcaption{max-width:46rem;margin:.5rem auto 0;color:var(--faint);font-size:.875rem}
.statdl-report caption,.statdl-report caption span{text-align:left}
.statdl-report caption{padding-left:0}
.statdl-report{display:block;width:fit-content;margin:1rem 0;font-size:.9rem}
@media (max-width:40rem){header,nav,main,footer{padding-left:.75rem;padding-right:.75rem}\
section{padding:1rem}.readings div{grid-template-columns:minmax(0,1fr)}\
.large{grid-template-columns:repeat(auto-fit,minmax(6rem,1fr))}.statdl-report{font-size:.8125rem}}
@media print{@page{margin:18mm 15mm}:root{--paper:#ffffff;--code:#ffffff}body{font-size:10pt}\
nav,.skip{display:none}header,main,footer{max-width:none;padding:0}\
section{padding:0;border:0;margin:1.5rem 0}h2{break-after:avoid}\
figure,.statdl-report table,.readings div,.facts{break-inside:avoid}\
.gallery{grid-template-columns:1fr 1fr}\
.statdl-report{overflow:visible;font-size:8.5pt}pre{white-space:pre-wrap;border:1px solid #d8dee4}\
a{color:inherit;text-decoration:none}}"""
