/* Hovering and keyboard focus show the exact figures; printing opens every table. */
#include "report/html.h"

const char REPORT_SCRIPT[] =
    "(()=>{const tip=document.getElementById('tip');\n"
    "const show=(el,x,y)=>{tip.textContent=el.dataset.tip;tip.hidden=false;const r=tip.getBoundingClientRect();"
    "tip.style.left=Math.max(8,Math.min(x+14,innerWidth-r.width-8))+'px';"
    "tip.style.top=(y+18+r.height>innerHeight?Math.max(8,y-r.height-12):y+18)+'px'};\n"
    "const of=e=>e.target instanceof Element?e.target.closest('[data-tip]'):null;\n"
    "addEventListener('pointermove',e=>{const el=of(e);if(el)show(el,e.clientX,e.clientY);else "
    "tip.hidden=true},{passive:true});\n"
    "addEventListener('focusin',e=>{const el=of(e);if(el){const "
    "r=el.getBoundingClientRect();show(el,r.left+r.width/2,r.top+r.height/2)}});\n"
    "addEventListener('focusout',()=>{tip.hidden=true});\n"
    "addEventListener('keydown',e=>{if(e.key==='Escape')tip.hidden=true});\n"
    "let "
    "closed=[];addEventListener('beforeprint',()=>{closed=[...document.querySelectorAll('details:not([open])')];closed."
    "forEach(d=>d.open=true)});\n"
    "addEventListener('afterprint',()=>closed.forEach(d=>d.open=false));})();\n";
