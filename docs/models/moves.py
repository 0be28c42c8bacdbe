#!/usr/bin/env python3
"""Cleaning that moves the live records of a window by one commit (RULE 24): random histories.

Beside that there are folds, evacuation of the oldest region first, cuts in flight, forces that
fail, kills between any two steps, also inside a redo, regions that another stripe uses again, slow
readers, a near cache, a feed, and power losses.

There are two stripes. Histories are random, and one that breaks something is shrunk greedily. Each
store is one yield.
"""
import random, sys, time
NST,NR,CAP=2,9,4
KEYS={0:'abcd',1:'wxyz'}
ST={k:s for s in KEYS for k in KEYS[s]}
class V(Exception): pass
BASE=dict(fold=True, foldany=False, tomb='keep', exp='keep', order='slots-gen-tail-free', free='cas', redo='new', succ='walk',
          reuse='epochs', feed='version', heal=True, recforce=True, nextword=True, nonew=False, foldfloor=False, moves='window')
class S:
    def __init__(s,f):
        s.f=f; s.h={}; s.clean=set()
        for r in range(NR):
            s.h[('hdr',r)]=[None]
            for i in range(CAP): s.h[('c',r,i)]=[None]
        s.h[('slot',0)]=[(0,0,{},{})]; s.h[('slot',1)]=[None]
        s.epoch=1; s.durable=0; s.dslot=0; s.infl=None; s.no=0; s.maxatt=0
        s.own=[(None,0,True)]*NR; s.ep=[(0,0)]*NR
        s.d=[dict(ver=0,tail=None,old=None,intent=None,comp=None,next=None,gen=0) for _ in range(NST)]
        s.idx={}; s.model={}; s.pend={}; s.co=[None]*NST; s.rd={}; s.nc={}; s.exp=set()
        s.feed=[dict(num=None,r=None,off=0,v=0,rep={},lost=False) for _ in range(NST)]
        s.attch=[]; s.dch=set(); s.stat=dict(fold=0,roll=0,leave=0,kill=0,redo=0,rec=0,reuse=0,window=0,moved=0)
    def g(s,l): return s.h[l][-1]
    def w(s,l,v): s.h[l].append(v); s.clean.discard(l)
    def foreign(s,r): pass
    # ------------------------------------------------------------- regions
    def isfree(s,r):
        st,n,dead=s.own[r]; b,d=s.ep[r]
        if s.f['reuse']=='epochs':
            return dead and (b==d or d<=s.durable)
        cur=set()
        if not dead: return False
        return (r,n) not in s.dch and not any((r,n) in c for c in s.attch)
    def chain(s,t,d=None):
        d=d or s.d[t]
        if not d['tail']: return []
        r,_,n=d['tail']; out=[]
        while True:
            h=s.g(('hdr',r))
            if not isinstance(h,tuple) or h[0]!=n or h[1]!=t: raise V(f'shm chain of {t} broken at {(n,r)}: {h}')
            out.insert(0,(n,r))
            if (r,n)==d['old']: return out
            if h[2] is None: raise V('shm chain ends before oldest')
            n,r=h[2]
    def claim(s,t):
        d=s.d[t]; s.no+=1; n=s.no
        for r in range(NR):
            w=s.own[r]
            if not s.isfree(r): continue
            if s.f['nextword']: d['next']=(r,n); yield
            if s.own[r]!=w: continue                            # the CAS expects the dead word that was judged
            if s.own[r][0] is not None: s.stat['reuse']+=1
            s.own[r]=(t,n,False); yield
            s.ep[r]=(s.epoch,0); yield
            return r,n
        d['next']=None
        return None
    # ------------------------------------------- append one record (put, tombstone, move); roll or fold if needed
    def append(s,t,k,kind,val,ver,moved=False,new=True):
        d=s.d[t]; nver=ver if ver is not None else d['ver']+1
        tail=d['tail']; old=d['old']; dead=None; copies=[]
        if tail is None or tail[1]==CAP:
            keep=None
            if tail and s.f['fold'] and (s.f['foldany'] or s.ep[tail[0]][0]==s.epoch):
                keep=[]; last={}
                cs=[s.g(('c',tail[0],i)) for i in range(CAP)]
                # the newest of its key in this region, since versions grow and copies lie behind
                for i,c in enumerate(cs): last[c[2]]=i
                for i,c in enumerate(cs):
                    v,kd,kk=c[0],c[1],c[2]
                    if kk==k and new: continue                   # the record that caused the roll supersedes it
                    e=s.idx.get(kk)
                    if e==((tail[0],i),v): keep.append(c)
                    elif e is None and last[kk]==i and kd=='t' and s.f['tomb']=='keep': keep.append(c)
                    elif e is None and last[kk]==i and kd=='e' and s.f['exp']=='keep': keep.append(c)
                if len(keep)+1>CAP or len(keep)>CAP//2: keep=None
            x=yield from s.claim(t)
            if x is None: return 'full'
            r,n=x
            if keep is None:
                s.w(('hdr',r),'torn'); yield
                s.w(('hdr',r),(n,t,(tail[2],tail[0]) if tail else None)); yield
                s.stat['roll']+=1
                if not tail: old=(r,n)
            else:
                pred=s.g(('hdr',tail[0]))[2]
                if (tail[0],tail[2])==old: pred=None; old=(r,n)
                s.w(('hdr',r),'torn'); yield
                s.w(('hdr',r),(n,t,pred)); yield
                for i,c in enumerate(keep):
                    s.w(('c',r,i),(c[0],c[1],c[2],c[3],(r,i),n,True)); yield
                    copies.append((r,i))
                dead=(tail[0],tail[2]); s.stat['fold']+=1
            tail=(r,len(copies),n)
        p=(tail[0],tail[1])
        s.w(('c',)+p,'torn'); yield
        s.w(('c',)+p,(nver,kind,k,val,p,tail[2],moved)); yield
        if s.own[p[0]]!=(t,tail[2],False): raise V(f'stripe {t} writes into region {p[0]} owned by {s.own[p[0]]}')
        d['comp']=dict(k=k,place=p,kind=kind,ver=max(d['ver'],nver),rver=nver,tail=(tail[0],tail[1]+1,tail[2]),old=old,dead=dead,
                       gen=d['gen']+(1 if dead else 0),copies=len(copies),oldreg=dead and dead[0],dep=s.epoch); yield
        s.pend={**s.pend,k:s.model.get(k)}
        if not moved:
            if kind=='t': s.model.pop(k,None)
            else: s.model[k]=val
        d['intent']='w'; yield
        yield from s.finish(t)
        return 'ok'
    def leave(s,t,succ):
        d=s.d[t]; dead=d['old']
        ch=s.chain(t); nx=(ch[1][1],ch[1][0]) if s.f['succ']=='walk' else succ
        d['comp']=dict(k=None,ver=d['ver'],tail=d['tail'],old=nx,dead=dead,gen=d['gen']+1,copies=0,oldreg=None,dep=s.epoch); yield
        d['intent']='l'; s.stat['leave']+=1; yield
        yield from s.finish(t)
    # copies the live records of the oldest region behind the tail, by one commit
    def window(s,t):
        d=s.d[t]
        if not d['tail'] or d['old'][0]==d['tail'][0]: return
        r,num=d['old']
        live=[c for i in range(CAP) for c in [s.g(('c',r,i))] if isinstance(c,tuple) and c[0] and s.idx.get(c[2])==((r,i),c[0])]
        if not live: yield from s.leave(t,None); return
        tail=d['tail']
        if tail[1]==CAP:
            x=yield from s.claim(t)
            if x is None: return
            s.w(('hdr',x[0]),'torn'); yield
            s.w(('hdr',x[0]),(x[1],t,(tail[2],tail[0]))); yield
            tail=(x[0],0,x[1]); s.stat['roll']+=1
        live=live[:CAP-tail[1]]
        def comp():
            d['comp']=dict(k=None,ver=d['ver'],tail=(tail[0],tail[1]+len(live),tail[2]),old=d['old'],dead=None,gen=d['gen'],
                           cfrom=tail[1],copies=len(live),oldreg=r,dep=s.epoch); yield
            d['intent']='m'; yield
        if s.f['moves']=='early': yield from comp()             # canary: commit before the copies are whole
        for j,c in enumerate(live):
            p=(tail[0],tail[1]+j)
            s.w(('c',)+p,'torn'); yield
            s.w(('c',)+p,(c[0],c[1],c[2],c[3],p,tail[2],True)); yield
            if s.f['moves']=='swing': s.idx[c[2]]=(p,c[0]); yield   # canary: swing before the commit
        if s.f['moves']!='early': yield from comp()
        s.stat['window']+=1; s.stat['moved']+=len(live)
        yield from s.finish(t)
    # the same routine for the writer and the redo, from staged absolute words only
    def finish(s,t):
        d=s.d[t]; c=d['comp']; o=s.f['order']
        def slots():
            if c['copies']:
                if s.f['redo']=='new':                          # it walks the new region
                    f=c.get('cfrom',0)
                    for i in range(f,f+c['copies']):
                        rec=s.g(('c',c['tail'][0],i))
                        if not isinstance(rec,tuple): raise V(f'redo finds no copy at {i}: {rec}')
                        e=s.idx.get(rec[2])
                        if s.f['moves']=='blind' and f: s.idx[rec[2]]=((c['tail'][0],i),rec[0]); yield; continue
                        if e and e[0][0]==c['oldreg'] and e[1]==rec[0]: s.idx[rec[2]]=((c['tail'][0],i),rec[0]); yield
                else:                                           # canary: it walks the old region
                    j=0
                    for i in range(CAP):
                        rec=s.g(('c',c['oldreg'],i))
                        if isinstance(rec,tuple) and s.idx.get(rec[2])==((c['oldreg'],i),rec[0]):
                            s.idx[rec[2]]=((c['tail'][0],j),rec[0]); j+=1; yield
            if c['k'] is not None:
                if c['kind']=='t': s.idx.pop(c['k'],None)
                else: s.idx[c['k']]=(c['place'],c['rver'])
                yield
                s.pend.pop(c['k'],None)
        def gen(): d['gen']=c['gen']; yield
        def tail():
            d['ver']=c['ver']; yield
            d['old']=c['old']; yield
            d['tail']=c['tail']; yield
            d['next']=None; yield
        def free():
            if not c['dead']: return
            r,n=c['dead']
            if s.f['free']=='cas':
                if s.own[r]==(t,n,False):
                    s.ep[r]=(s.ep[r][0],c['dep']); yield
                    s.own[r]=(t,n,True); yield
            else:
                s.ep[r]=(s.ep[r][0],c['dep']); yield
                s.own[r]=(s.own[r][0],s.own[r][1],True); yield
        P=dict(slots=slots,gen=gen,tail=tail,free=free)
        for x in o.split('-'): yield from P[x]()
        d['intent']=None; yield
    def repair(s,t):
        d=s.d[t]
        if d['intent']: s.stat['redo']+=1; yield from s.finish(t)
        nx=d['next']
        if nx:                                                  # it was claimed and not committed
            r,n=nx
            if s.own[r]==(t,n,False):
                s.ep[r]=(s.epoch,s.epoch); yield
                s.own[r]=(t,n,True); yield
            d['next']=None; yield
    # ------------------------------------------------------------- lock holder's work
    def locked(s,t,o):
        yield from s.repair(t)
        n=o[0]
        if n in('put','pute'): yield from s.append(t,o[1],'v' if n=='put' else 'e',o[2],None)
        elif n=='rem':
            if o[1] in s.idx: yield from s.append(t,o[1],'t',None,None)
        elif n=='evacw': yield from s.window(t)
        elif n=='evac':
            d=s.d[t]
            if not d['tail'] or d['old'][0]==d['tail'][0]: return
            r,num=d['old']; ch=s.chain(t); succ=(ch[1][1],ch[1][0]); q=0
            for i in range(CAP):
                c=s.g(('c',r,i))
                if s.idx.get(c[2])==((r,i),c[0]):
                    if (yield from s.append(t,c[2],c[1],c[3],c[0],moved=True))!='ok': return
                    if s.f['succ']=='walk': return              # a small step: one record for each hold of the lock
            yield from s.leave(t,succ)
    # runs the holder of stripe t to its end, or repairs after a dead one
    def drive(s,t):
        if s.co[t]:
            for _ in s.co[t]: pass
            s.co[t]=None
    def rep(s,t):
        for _ in s.repair(t): pass
    # ------------------------------------------------------------- readers
    def ok(s,k):
        o={s.model.get(k)}
        if k in s.pend: o.add(s.pend[k])
        return o
    def rstep(s,k):
        t=ST[k]; r=s.rd.get(k)
        if r is None: s.rd[k]=dict(pc=1,gen=s.d[t]['gen']); return
        if r['pc']==1: r.update(pc=2,e=s.idx.get(k),ok=s.ok(k)); return
        c=s.g(('c',)+r['e'][0]) if r['e'] else None
        if s.f['feed'] and r['pc']==2: r.update(pc=3,c=c); return
        del s.rd[k]
        if s.d[t]['gen']!=r['gen']: return
        c=r['c']
        if r['e'] and (not isinstance(c,tuple) or c[2]!=k or c[0]!=r['e'][1]): raise V(f'reader of {k}: table word unchanged, foreign bytes {c} at {r["e"]}')
        val=c[3] if r['e'] else None
        if val not in r['ok']: raise V(f'reader of {k}: stale {val}, could be {r["ok"]}')
        if r['e']: s.nc[k]=(r['gen'],r['e'],val)                # the entry of the near cache
    def nchit(s,k):
        t=ST[k]; e=s.nc.get(k)
        if e and s.d[t]['gen']==e[0] and s.idx.get(k)==e[1] and e[2] not in s.ok(k): raise V(f'near cache of {k}: {e[2]}, current {s.ok(k)}')
    # ------------------------------------------------------------- feed
    def feedstep(s,t):
        d=s.d[t]; F=s.feed[t]
        # it reads up to the tail; a generation confirms the walk, which is one step here
        if d['intent'] or not d['tail']: return
        ch=s.chain(t); nums=[n for n,_ in ch]
        if F['num'] in nums: start=(nums.index(F['num']),F['off'])
        # an older region is still there, so it was folded and not evacuated
        elif s.f['feed']=='version' and F['num'] and nums[0]<F['num']:
            start=(min(i for i,n in enumerate(nums) if n>F['num']),0)
        elif s.f['feed']=='skipmoved' and F['num'] and any(n>F['num'] for n in nums): start=(min(i for i,n in enumerate(nums) if n>F['num']),0)
        else:
            F['lost']=True; F['rep']={k:s.model[k] for k in KEYS[t] if k in s.model}; F['v']=d['ver']; start=(len(ch)-1,d['tail'][1])
        for j in range(start[0],len(ch)):
            n,r=ch[j]; top=d['tail'][1] if j==len(ch)-1 else CAP
            for i in range(start[1] if j==start[0] else 0,top):
                v,kd,k,val,_,_,mv=s.g(('c',r,i))
                if s.f['feed']=='version':
                    if v<=F['v'] : continue
                elif mv and F['num'] is not None: continue
                F['v']=max(F['v'],v)
                if kd=='t': F['rep'].pop(k,None)
                else: F['rep'][k]=val
        F.update(num=d['tail'][2],r=d['tail'][0],off=d['tail'][1])
        want={k:s.model[k] for k in KEYS[t] if k in s.model}
        got={k:v for k,v in F['rep'].items() if (k,v) not in s.exp}
        if got!=want: raise V(f'feed of stripe {t}: replica {got}, store {want}')
    # ------------------------------------------------------------- trace
    def op(s,o):
        n=o[0]
        if n in('put','pute','rem','evac','evacw'):
            t=o[1] if n in('evac','evacw') else ST[o[1]]
            s.drive(t)                                          # this waits for the lock
            s.co[t]=s.locked(t,o); s.step(t,o[-1]); 
        elif n=='step': s.step(o[1],o[2])
        elif n=='kill':
            # whoever locks next repairs; until then the words stay as they are
            if s.co[o[1]]: s.co[o[1]]=None; s.stat['kill']+=1
        elif n=='rep':                                          # a repairer is killed after o[2] steps
            if s.co[o[1]] is None: s.co[o[1]]=s.repair(o[1]); s.step(o[1],o[2]); s.co[o[1]]=None
        elif n=='r': s.rstep(o[1])
        elif n=='nc': s.nchit(o[1])
        elif n=='feed': s.feedstep(o[1])
        elif n=='exp':
            k=o[1]; t=ST[k]
            if s.co[t] or s.d[t]['intent']: return
            e=s.idx.get(k)
            if e and s.g(('c',)+e[0])[1]=='e': s.exp.add((k,s.model[k])); s.idx.pop(k); s.model.pop(k)
        elif n=='cut':
            if s.infl: return
            for t in range(NST): s.drive(t); s.rep(t)
            if any(x['tail'] is None for x in s.d): return
            if s.f['heal'] and s.clean:                         # after a failed force, everything is stored again first
                s.clean=set()
            s.infl=dict(e=s.epoch,st=1,d={t:dict(tail=s.d[t]['tail'],old=s.d[t]['old'],ver=s.d[t]['ver']) for t in range(NST)},snap=dict(s.model))
            s.infl['ch']={(r,n) for t in range(NST) for n,r in s.chain(t)}
            if s.f['reuse']=='cutlist': s.attch.append(s.infl['ch'])
            # killed before epoch + 1
            if o[1]: s.infl=None; s.attch=s.attch[:-1] if s.f['reuse']=='cutlist' else s.attch; return
            s.epoch+=1
        elif n=='force':
            if s.infl and s.infl['st']==1:
                if s.f['reuse']=='attempt': s.attch.append(s.infl['ch'])
                for l in s.h:
                    if l[0]!='slot' and l not in s.clean: s.h[l]=s.h[l][-1:]
                s.infl['st']=2
        elif n=='slotw':
            if s.infl and s.infl['st']==2:
                i=s.infl; k=('slot',1-s.dslot); s.w(k,'torn'); s.w(k,(i['e'],0,i['d'],i['snap'])); i['st']=3
        elif n=='slotf':
            if s.infl and s.infl['st']==3:
                k=1-s.dslot; s.h[('slot',k)]=s.h[('slot',k)][-1:]; s.durable=s.infl['e']; s.dslot=k; s.dch=s.infl['ch']; s.attch=[]; s.infl=None
        elif n=='fail':
            if s.infl and s.infl['st']>=1:
                rng=random.Random(o[1])
                for l in s.h:
                    # written back in vain, so it is clean and not on disk
                    if len(s.h[l])>1 and rng.random()<.4: s.clean.add(l)
                s.infl=None
        elif n=='crash': s.crash(random.Random(o[1]))
    def step(s,t,k):
        c=s.co[t]
        if not c: return
        for _ in range(k):
            try: next(c)
            except StopIteration: s.co[t]=None; s.quiet(t); return
    # after a completed operation, everything in the stripe is readable and right
    def quiet(s,t):
        for k in KEYS[t]:
            e=s.idx.get(k)
            if e:
                c=s.g(('c',)+e[0])
                if not isinstance(c,tuple) or c[2]!=k or c[0]!=e[1] or c[5]!=s.own[e[0][0]][1] or s.own[e[0][0]][0]!=t: raise V(f'index of {k} -> {e}: {c}')
                if c[3]!=s.model.get(k): raise V(f'{k}: store says {c[3]}, history {s.model.get(k)}')
            elif k in s.model: raise V(f'{k}: lost, history {s.model[k]}')
        ch=s.chain(t); mine={r for r in range(NR) if s.own[r][0]==t and not s.own[r][2]}
        if mine!={r for _,r in ch}: raise V(f'stripe {t}: owns {mine}, chain {ch} (leak or theft)')
    def crash(s,rng):
        lo=s.durable
        for l in s.h:
            m=rng.random(); c=s.h[l]; s.h[l]=[c[0] if m<.35 else c[-1] if m<.8 else rng.choice(c)]
        s.clean=set(); s.recover(lo)
    def recover(s,lo):
        s.stat['rec']+=1
        ok=[(x[0],i) for i in (0,1) for x in [s.g(('slot',i))] if isinstance(x,tuple)]
        if not ok: raise V('no valid checkpoint slot left')
        E,si=max(ok); _,_,ds,snap=s.g(('slot',si))
        if E<lo: raise V(f'opened at checkpoint {E}, but {lo} was durable')
        s.dslot=si; s.durable=E; s.epoch=E+1; s.infl=None; s.attch=[]; s.co=[None]*NST; s.rd={}; s.nc={}; s.pend={}
        s.own=[(None,0,True)]*NR; s.ep=[(0,0)]*NR; s.dch=set(); idx={}; state={}
        for t in range(NST):
            x=ds.get(t) or dict(tail=None,old=None,ver=0)
            s.d[t]=dict(ver=x['ver'],tail=x['tail'],old=x['old'],intent=None,comp=None,next=None,gen=0)
            s.feed[t]=dict(num=None,r=None,off=0,v=0,rep={},lost=False)
            for n,r in s.chain(t):
                s.own[r]=(t,n,False); s.dch.add((r,n))
                top=x['tail'][1] if r==x['tail'][0] else CAP
                for i in range(top):
                    c=s.g(('c',r,i))
                    if not isinstance(c,tuple) or c[4]!=(r,i) or c[5]!=n or ST[c[2]]!=t or c[0]>x['ver']: raise V(f'checkpoint {E}: region {r} cell {i} unreadable ({c})')
                    v,kd,k,val=c[:4]
                    if k in idx and idx[k][1]>v: continue
                    if kd=='t' or (kd=='e' and (k,val) in s.exp): idx.pop(k,None); state.pop(k,None)
                    else: idx[k]=((r,i),v); state[k]=val
        s.no=max([0]+[d['tail'][2] for d in s.d if d['tail']])
        want={k:v for k,v in snap.items() if (k,v) not in s.exp}
        if state!=want: raise V(f'checkpoint {E}: recovered {state}, the history says {want}')
        s.idx=idx; s.model=dict(state)
        for t in range(NST):
            if s.d[t]['tail']: s.feed[t].update(num=None)
def run(f,tr,stat=None):
    s=S(f)
    for n,o in enumerate(tr):
        try: s.op(o)
        except V as e: return n+1,str(e)
    if stat is not None:
        for k in s.stat: stat[k]=stat.get(k,0)+s.stat[k]
    return None
def gen(rng,L):
    """Makes a random history. Each has weights of its own, so that rare shapes occur, such as many single
    steps and readers around one fold, many cuts, or little space."""
    tr=[]; val=0; allk=''.join(KEYS.values()); hot=rng.random(); W=dict(put=8,pute=1,rem=1.5,evac=2,step=1.5,kill=1,krep=.5,exp=.3,r=1,nc=.5,feed=1,crash=.5,fail=.2,ck=1,part=1.5)
    for k in W: W[k]*=rng.choice([0,.3,1,1,3,8]) if k!='put' else 1
    one=rng.random()<.4
    ks,ws=list(W),list(W.values()); hk=[rng.choice(KEYS[t]) for t in range(NST)]
    for _ in range(L):
        m=rng.choices(ks,ws)[0]; k=rng.choice(hk) if rng.random()<hot else rng.choice(allk); val+=1; t=rng.randrange(NST)
        st=rng.randrange(30) if one or rng.random()<.3 else 99
        if m in('put','pute'): tr.append((m,k,val,st))
        elif m=='rem': tr.append(('rem',k,st))
        elif m=='evac': tr.append((rng.choice(['evac','evacw','evacw']),t,st))
        elif m=='step': tr.append(('step',t,rng.choice([1,1,1,2,3])))
        elif m=='kill': tr.append(('kill',t))
        elif m=='krep': tr+=[('kill',t),('rep',t,rng.randrange(1,9))]
        elif m=='exp': tr.append(('exp',k))
        elif m=='r': tr+=[('r',k)]*rng.choice([1,1,2])
        elif m=='nc': tr.append(('nc',k))
        elif m=='feed': tr.append(('feed',t))
        elif m=='crash': tr.append(('crash',rng.randrange(1<<30)))
        elif m=='fail': tr.append(('fail',rng.randrange(1<<30)))
        elif m=='ck': tr+=[('cut',False),('force',),('slotw',),('slotf',)]
        else: tr.append(rng.choice([('cut',False),('cut',False),('cut',True),('force',),('slotw',),('slotf',)]))
    tr.append(('crash',rng.randrange(1<<30))); return tr
def shrink(f,tr):
    n,m=run(f,tr); tr=tr[:n]; ch=True
    while ch:
        ch=False
        for i in range(len(tr)-1,-1,-1):
            t=tr[:i]+tr[i+1:]; q=run(f,t)
            if q: tr=t[:q[0]]; ch=True; break
    return tr,run(f,tr)[1]
def hunt(name,over,trials,L=60,seed=1,show=True):
    f=dict(BASE); f.update(over); rng=random.Random(seed); best=None; bad=0; stat={}; t0=time.time()
    for _ in range(trials):
        tr=gen(rng,L); q=run(f,tr,stat)
        if q:
            bad+=1
            if bad<=12:
                t,m=shrink(f,tr)
                if best is None or len(t)<len(best[0]): best=(t,m)
    print(f'## {name}: {bad}/{trials} traces violate   {stat} {time.time()-t0:.0f}s')
    if best and show:
        for i,o in enumerate(best[0]): print('   ',i+1,*o)
        print('    =>',best[1])
    sys.stdout.flush()
if __name__=='__main__':
    T=int(sys.argv[1]) if len(sys.argv)>1 else 2000
    hunt('moves of a window by one commit',{},T)
    hunt('CANARY: committed before the copies are whole',{'moves':'early'},T)
    hunt('CANARY: slots swung before the commit',{'moves':'swing'},T)
