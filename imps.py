import subprocess,sys,os
code="""
import gc;gc.disable()
import sampan.platform.cli, sampan.platform.cli.up, sampan.platform.cli.demo_server
import sampan.platform.serving
import sampan.platform.app as a;from sampan.platform.component import discover;discover(a.built_in_components(demo=True))
import time;print(time.process_time()*1000)
"""
def pp(root): return ":".join(f"{root}/{x}/src" for x in ("platform","miniapps","offline_packages","loadtests"))
res={r:[] for r in sys.argv[2:]}
for i in range(int(sys.argv[1])):
    for r in res:
        o=subprocess.run([sys.executable,"-c",code],env={**os.environ,"PYTHONPATH":pp(r)},capture_output=True,text=True)
        if o.returncode: print(r,o.stderr[-800:]); sys.exit(1)
        res[r].append(float(o.stdout))
for r,v in res.items(): v.sort(); print(r,"min %.0f med %.0f"%(v[0],v[len(v)//2]))
