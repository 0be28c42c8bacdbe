#!/usr/bin/env python3
"""Eviction from the oldest region (RULE 24): random histories with kills and power losses.

Records are judged one by one. What is kept moves to the tail. The rest goes with the region by one
commit, whose redo walks the region. Beside that there are overwrites in place, removes with
tombstones, entries with runs and with a date, folds, evicted keys that come again, marks of late
readers, cuts in flight, kills between any two steps, also inside a redo, and power losses. Another
stripe uses regions again, in class NONE at once.

There are two stripes. Histories are random, and one that breaks something is shrunk greedily. Each
store is one yield.
"""
import random, sys, time
NST,NR,CAP=2,12,4
KEYS={0:'abcdef',1:'uvwxyz'}
ST={k:s for s in KEYS for k in KEYS[s]}
class V(Exception): pass
BASE=dict(victim='oldest', drop='one', redo='walk', count='absolute', look='marks', reuse='epochs', cutver=True)
class S:
    def __init__(s,f,none=False):
        s.f=f; s.none=none; s.h={}
        s.stat=dict(fold=0,roll=0,judged=0,moved=0,inplace=0,leave=0,dropped=0,again=0,kill=0,redo=0,redodrop=0,rec=0,reuse=0,cut=0)
        s.reset()
    def reset(s):
        for r in range(NR):
            s.h[('hdr',r)]=[None]
            for i in range(CAP): s.h[('c',r,i)]=[None]
        s.h[('slot',0)]=[(0,{},{})]; s.h[('slot',1)]=[None]
        s.epoch=1; s.durable=0; s.dslot=0; s.infl=None; s.no=0
        s.own=[(None,0,True)]*NR; s.ep=[(0,0)]*NR
        s.d=[s.words() for _ in range(NST)]
        s.idx={}; s.model={}; s.pend={}; s.co=[None]*NST; s.rd={}; s.marks=set(); s.exp=set(); s.gone=set()
        # The oracle has, for each key, the value that was judged to go, and the last one for which a put returned.
        s.judged={}; s.told={}
    def words(s,ver=0,tail=None,old=None,live=0):
        return dict(ver=ver,tail=tail,old=old,live=live,cutver=ver,job=None,intent=None,comp=None,next=None,gen=0)
    def g(s,l): return s.h[l][-1]
    def w(s,l,v): s.h[l].append(v)
    def expired(s,k,val): return (k,val) in s.exp
    # ------------------------------------------------------------- regions
    def isfree(s,r):
        st,n,dead=s.own[r]; b,d=s.ep[r]
        return dead and (s.none or b==d or d<=s.durable or s.f['reuse']=='early')
    def chain(s,t):
        d=s.d[t]
        if not d['tail']: return []
        r,_,n=d['tail']; out=[]
        while True:
            h=s.g(('hdr',r))
            if not isinstance(h,tuple) or h[0]!=n or h[1]!=t: raise V(f'chain of {t} broken at {(n,r)}: {h}')
            out.insert(0,(n,r))
            if (r,n)==d['old']: return out
            if h[2] is None: raise V(f'chain of {t} ends before its oldest')
            n,r=h[2]
    def replay(s,t):                                            # what a recovery would make of the chain
        d=s.d[t]; new={}
        for n,r in s.chain(t):
            for i in range(d['tail'][1] if r==d['tail'][0] else CAP):
                c=s.g(('c',r,i))
                if not isinstance(c,tuple) or c[4]!=(r,i) or c[5]!=n or ST[c[2]]!=t or c[0]>d['ver']: raise V(f'stripe {t}: region {r} cell {i} unreadable ({c})')
                if c[2] not in new or new[c[2]][0]<=c[0]: new[c[2]]=(c[0],(r,i),c[1],c[3])
        return {k:x for k,x in new.items() if x[2]!='t'}
    def claim(s,t):
        d=s.d[t]; s.no+=1; n=s.no
        for r in range(NR):
            w=s.own[r]
            if not s.isfree(r): continue
            d['next']=(r,n); yield
            if s.own[r]!=w: continue                            # the CAS expects the dead word that was judged
            if s.own[r][0] is not None: s.stat['reuse']+=1
            s.own[r]=(t,n,False); yield
            s.ep[r]=(s.epoch,0); yield
            s.marks-={(r,i) for i in range(CAP)}; yield         # before anybody can see a record there
            return r,n
        d['next']=None
        return None
    # ------------------------------------------- append one record (put, tombstone, move); roll or fold if needed
    def append(s,t,k,kind,val,ver=None):
        d=s.d[t]; moved=ver is not None; nver=ver if moved else d['ver']+1
        tail=d['tail']; old=d['old']; dead=None; copies=[]
        if tail is None or tail[1]==CAP:
            keep=None
            if tail:
                keep=[]; last={}
                cs=[s.g(('c',tail[0],i)) for i in range(CAP)]
                for i,c in enumerate(cs): last[c[2]]=i
                for i,c in enumerate(cs):
                    if c[2]==k and not moved: continue
                    e=s.idx.get(c[2])
                    if e==((tail[0],i),c[0]) or e is None and last[c[2]]==i and c[1]=='t': keep.append((i,c))
                if len(keep)>CAP//2: keep=None
            x=yield from s.claim(t)
            if x is None: return 'full'
            r,n=x
            if keep is None:
                s.w(('hdr',r),'torn'); yield
                s.w(('hdr',r),(n,t,(tail[2],tail[0]) if tail else None)); yield
                s.stat['roll']+=1; keep=[]
                if not tail: old=(r,n)
            else:
                pred=s.g(('hdr',tail[0]))[2]
                if (tail[0],tail[2])==old: pred=None; old=(r,n)
                s.w(('hdr',r),'torn'); yield
                s.w(('hdr',r),(n,t,pred)); yield
                dead=(tail[0],tail[2]); s.stat['fold']+=1
            for j,(i,c) in enumerate(keep):
                s.w(('c',r,j),c[:4]+((r,j),n,True)); yield
                if (tail[0],i) in s.marks: s.marks.add((r,j))
                copies.append((r,j))
            tail=(r,len(copies),n)
        p=(tail[0],tail[1])
        s.w(('c',)+p,'torn'); yield
        s.w(('c',)+p,(nver,kind,k,val,p,tail[2],moved)); yield
        if s.own[p[0]]!=(t,tail[2],False): raise V(f'stripe {t} writes into region {p[0]} owned by {s.own[p[0]]}')
        more=0 if moved else (kind!='t')-(k in s.idx)
        d['comp']=dict(k=k,place=p,kind=kind,ver=max(d['ver'],nver),rver=nver,tail=(tail[0],tail[1]+1,tail[2]),old=old,dead=dead,live=d['live']+more,
                       gen=d['gen']+(1 if dead else 0),copies=len(copies),oldreg=dead and dead[0],dep=s.epoch); yield
        if not moved:
            s.pend={**s.pend,k:s.model.get(k)}
            if kind=='t': s.model.pop(k,None)
            else:
                s.stat['again']+=k in s.gone; s.gone.discard(k)
                s.model[k]=val
        d['intent']='w'; yield
        yield from s.finish(t)
        return 'ok'
    # X1 to X8; the version takes the part of the slot word's count
    def inplace(s,t,k,val):
        d=s.d[t]; p=s.idx[k][0]; r,i,n=d['tail']; v=d['ver']+1
        s.w(('c',r,i),'torn'); yield
        s.w(('c',r,i),(v,'v',k,val,p,s.g(('c',)+p)[5],False)); yield
        d['comp']=dict(k=k,place=p,ver=v,image=(r,i)); yield
        s.pend={**s.pend,k:s.model.get(k)}; s.model[k]=val; s.stat['inplace']+=1
        d['intent']='x'; yield
        yield from s.finish(t)
        s.marks.add(p); yield                                   # a put counts as a use
    # ------------------------------------------------------------- judge, drop and leave
    def live(s,r,i):
        c=s.g(('c',r,i))
        return c if isinstance(c,tuple) and s.idx.get(c[2])==((r,i),c[0]) else None
    def judge(s,t,keep):
        d=s.d[t]
        if not d['tail'] or d['old'][0]==d['tail'][0]: return
        r,num=d['old']
        if not d['job'] or d['job'][0]!=num: d['job']=(num,0); yield
        at=d['job'][1]
        if at==CAP: yield from s.leave(t); return
        c=s.live(r,at)
        if c:
            s.stat['judged']+=1; v,kind,k,val=c[:4]
            if keep and not s.expired(k,val):
                if (yield from s.append(t,k,kind,val,v))!='ok': return
                s.stat['moved']+=1
            # its run could not die with the region, so it gets a tombstone
            elif kind=='r':
                if (yield from s.append(t,k,'t',None))!='ok': return
                s.gone.add(k)
            else:
                s.judged[k]=val
                s.marks.discard((r,at)); yield
        d['job']=(num,at+1); yield
    def leave(s,t):
        d=s.d[t]; r,num=d['old']; ch=s.chain(t); at=0
        if s.f['victim']=='next' and len(ch)>2: num,r=ch[1]; at=1   # canary
        gone=[]
        for i in range(CAP):
            c=s.live(r,i)
            if not c: continue
            used=s.f['look']=='marks' and (r,i) in s.marks      # canary: 'none'
            if used and not s.expired(c[2],c[3]):
                if (yield from s.append(t,c[2],c[1],c[3],c[0]))!='ok': return
                s.stat['moved']+=1
            else: gone.append((c[2],(r,i),c[3]))
        ch=s.chain(t); nx=ch[at+1]; live=d['live']-len(gone)
        if s.f['count']=='forgotten': live=d['live']            # canary
        if s.f['drop']=='counts first': d['live']=live; yield   # canary: in a commit of its own
        d['comp']=dict(k=None,ver=d['ver'],tail=d['tail'],old=d['old'] if at else (nx[1],nx[0]),dead=(r,num),live=live,
                       gen=d['gen']+1,copies=0,dep=s.epoch,skip=nx if at else None); yield
        for k,p,val in gone:
            if s.f['victim']=='oldest' and not s.expired(k,val) and s.told.get(k)==val and s.judged.get(k)!=val: raise V(f'{k}: {val} goes, which nobody judged since it was put')
            s.pend={**s.pend,k:s.model.get(k)}; s.model.pop(k,None); s.gone.add(k)
        s.stat['leave']+=1; s.stat['dropped']+=len(gone)
        d['intent']='l'; yield
        for k,p,_ in gone: s.idx.pop(k,None); s.pend.pop(k,None); yield
        yield from s.finish(t)
    # walks the region in a redo, since nobody noted what goes
    def walk(s,t):
        r,n=s.d[t]['comp']['dead']
        if s.own[r]!=(t,n,False): return
        for i in range(CAP):
            c=s.live(r,i)
            if c: s.idx.pop(c[2]); s.pend.pop(c[2],None); s.stat['redodrop']+=1; yield
    # the same routine for the writer and the redo, from staged absolute words only
    def finish(s,t):
        d=s.d[t]; c=d['comp']; k=c['k']
        if d['intent']=='x':
            if s.idx.get(k)!=(c['place'],c['ver']):
                s.idx[k]=(c['image'],c['ver']); yield
                s.w(('c',)+c['place'],'torn'); yield
                s.w(('c',)+c['place'],s.g(('c',)+c['image'])); yield
                s.idx[k]=(c['place'],c['ver']); yield
            s.pend.pop(k,None)
            d['ver']=c['ver']; yield
            d['intent']=None; yield
            return
        for i in range(c['copies']):                            # the copies of a fold
            rec=s.g(('c',c['tail'][0],i)); e=s.idx.get(rec[2])
            if e and e[0][0]==c['oldreg'] and e[1]==rec[0]: s.idx[rec[2]]=((c['tail'][0],i),rec[0]); yield
        if k is not None:
            if c['kind']=='t': s.idx.pop(k,None)
            else: s.idx[k]=(c['place'],c['rver'])
            yield
            s.pend.pop(k,None)
        d['gen']=c['gen']; yield
        d['ver']=c['ver']; yield
        d['live']=c['live']; yield
        if c.get('skip'):                                       # canary: take a region out of the middle of the chain
            n,r=c['skip']; h=s.g(('hdr',r))
            if h[2]==(c['dead'][1],c['dead'][0]): s.w(('hdr',r),(h[0],h[1],s.g(('hdr',c['dead'][0]))[2])); yield
        d['old']=c['old']; yield
        d['tail']=c['tail']; yield
        d['next']=None; yield
        if c['dead']:
            r,n=c['dead']
            if s.own[r]==(t,n,False):
                s.ep[r]=(s.ep[r][0],c['dep']); yield
                s.own[r]=(t,n,True); yield
        d['intent']=None; yield
    def repair(s,t):
        d=s.d[t]
        if d['intent']:
            s.stat['redo']+=1
            if d['intent']=='l' and s.f['redo']=='walk': yield from s.walk(t)
            yield from s.finish(t)
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
        n=o[0]; d=s.d[t]
        if n=='put':
            k,val,kind=o[1],o[2],o[3]; e=s.idx.get(k); c=e and s.g(('c',)+e[0])
            young=not s.f['cutver'] or e and e[1]>d['cutver']
            if e and kind==c[1]=='v' and not c[6] and young and d['tail'][1]<CAP: yield from s.inplace(t,k,val)
            elif (yield from s.append(t,k,kind,val))!='ok': return
            s.told[k]=val
        elif n=='rem':
            if o[1] in s.idx: yield from s.append(t,o[1],'t',None)
        elif n=='judge': yield from s.judge(t,o[2])
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
        if r['pc']==2: r.update(pc=3,c=s.g(('c',)+r['e'][0]) if r['e'] else None); return
        if r['pc']==4: s.marks.add(r['e'][0]); del s.rd[k]; return   # however late, and whatever lies there by now
        if s.d[t]['gen']!=r['gen'] or r['e'] and s.idx.get(k)!=r['e']: del s.rd[k]; return
        c=r['c']
        if r['e'] and (not isinstance(c,tuple) or c[2]!=k or c[0]!=r['e'][1]): raise V(f'reader of {k}: confirmed, and foreign bytes {c} at {r["e"]}')
        val=c[3] if r['e'] else None
        if val not in r['ok']: raise V(f'reader of {k}: {val}, could be {r["ok"]}')
        if r['e']: r['pc']=4
        else: del s.rd[k]
    # ------------------------------------------------------------- trace
    def op(s,o):
        n=o[0]
        if n in('put','rem','judge'):
            t=o[1] if n=='judge' else ST[o[1]]
            s.drive(t)                                          # this waits for the lock
            s.co[t]=s.locked(t,o); s.step(t,o[-1])
        elif n=='step': s.step(o[1],o[2])
        elif n=='kill':
            if s.co[o[1]]: s.co[o[1]]=None; s.stat['kill']+=1   # whoever locks next repairs
        elif n=='rep':                                          # a repairer is killed after o[2] steps
            if s.co[o[1]] is None: s.co[o[1]]=s.repair(o[1]); s.step(o[1],o[2]); s.co[o[1]]=None
        elif n=='r': s.rstep(o[1])
        elif n=='exp':
            if s.model.get(o[1]) and s.idx.get(o[1]):
                c=s.g(('c',)+s.idx[o[1]][0])
                if isinstance(c,tuple) and c[1]=='e': s.exp.add((o[1],c[3]))
        elif n=='cut':
            if s.infl or s.none: return
            for t in range(NST): s.drive(t); s.rep(t); s.whole(t)
            s.infl=dict(e=s.epoch,st=1,d={t:{x:s.d[t][x] for x in('ver','tail','old','live')} for t in range(NST)},snap=dict(s.model))
            for t in range(NST): s.d[t]['cutver']=s.d[t]['ver']
            s.stat['cut']+=1
            if o[1]: s.infl=None; return                        # killed before epoch + 1
            s.epoch+=1
        elif n=='force':
            if s.infl and s.infl['st']==1:
                for l in s.h:
                    if l[0]!='slot': s.h[l]=s.h[l][-1:]
                s.infl['st']=2
        elif n=='slotw':
            if s.infl and s.infl['st']==2:
                k=('slot',1-s.dslot); s.w(k,'torn'); s.w(k,(s.infl['e'],s.infl['d'],s.infl['snap'])); s.infl['st']=3
        elif n=='slotf':
            if s.infl and s.infl['st']==3:
                k=1-s.dslot; s.h[('slot',k)]=s.h[('slot',k)][-1:]; s.durable=s.infl['e']; s.dslot=k; s.infl=None
        elif n=='crash': s.crash(random.Random(o[1]))
    def step(s,t,k):
        c=s.co[t]
        if not c: return
        for _ in range(k):
            try: next(c)
            except StopIteration: s.co[t]=None; s.whole(t); return
    # after an operation and at each cut, index, chain, counts, owners and history agree
    def whole(s,t):
        for k in KEYS[t]:
            e=s.idx.get(k)
            if e:
                c=s.g(('c',)+e[0])
                if not isinstance(c,tuple) or c[2]!=k or c[0]!=e[1] or c[5]!=s.own[e[0][0]][1] or s.own[e[0][0]]!=(t,c[5],False): raise V(f'index of {k} -> {e}: {c}')
                if c[3]!=s.model.get(k): raise V(f'{k}: store says {c[3]}, history {s.model.get(k)}')
            elif k in s.model: raise V(f'{k}: lost, history {s.model[k]}')
        got={k:x[3] for k,x in s.replay(t).items()}; want={k:s.model[k] for k in KEYS[t] if k in s.model}
        if got!=want: raise V(f'stripe {t}: the chain says {got}, history {want}')
        if s.d[t]['live']!=len(got): raise V(f'stripe {t}: {s.d[t]["live"]} live entries counted, {len(got)} in the chain')
        mine={r for r in range(NR) if s.own[r][0]==t and not s.own[r][2]}
        if mine!={r for _,r in s.chain(t)}: raise V(f'stripe {t}: owns {mine}, chain {s.chain(t)} (leak or theft)')
    def crash(s,rng):
        s.stat['rec']+=1
        if s.none: s.reset(); return                            # such a store is empty afterwards
        for l in s.h:
            m=rng.random(); c=s.h[l]; s.h[l]=[c[0] if m<.35 else c[-1] if m<.8 else rng.choice(c)]
        ok=[(x[0],i) for i in (0,1) for x in [s.g(('slot',i))] if isinstance(x,tuple)]
        if not ok: raise V('no valid checkpoint left')
        E,si=max(ok); _,ds,snap=s.g(('slot',si))
        if E<s.durable: raise V(f'opened at checkpoint {E}, but {s.durable} was durable')
        s.dslot=si; s.durable=E; s.epoch=E+1; s.infl=None; s.co=[None]*NST; s.rd={}; s.pend={}; s.marks=set(); s.idx={}; s.judged={}; s.told={}; s.gone=set()
        s.own=[(None,0,True)]*NR; s.ep=[(0,0)]*NR; s.model=dict(snap); state={}
        for t in range(NST):
            s.d[t]=s.words(**ds.get(t,{}))
            for n,r in s.chain(t): s.own[r]=(t,n,False)
            new=s.replay(t)
            s.idx.update({k:(x[1],x[0]) for k,x in new.items()}); state.update({k:x[3] for k,x in new.items()})
            if len(new)!=s.d[t]['live']: raise V(f'checkpoint {E}: stripe {t} counts {s.d[t]["live"]}, its chain has {len(new)}: taken for damage')
        s.no=max([s.no+100]+[d['tail'][2] for d in s.d if d['tail']])
        if state!=snap: raise V(f'checkpoint {E}: recovered {state}, the cut had {snap}')
def run(f,tr,stat=None):
    s=S(f,tr[0][0]=='none')
    for n,o in enumerate(tr):
        try: s.op(o)
        except V as e: return n+1,str(e)
    if stat is not None:
        for k in s.stat: stat[k]=stat.get(k,0)+s.stat[k]
    return None
def gen(rng,L):
    """Makes a random history. Each has weights of its own, so that rare shapes occur, such as many single
    steps around the leaving of a region, many cuts, or one hot key."""
    tr=[]; val=0; allk=''.join(KEYS.values()); hot=rng.random(); W=dict(put=9,rem=1,judge=8,kleave=.7,step=1.5,kill=1,krep=.7,exp=.4,r=1.5,crash=.5,ck=1,part=1.5)
    for k in W: W[k]*=rng.choice([0,.3,1,1,3,8]) if k not in('put','judge') else rng.choice([1,1,2])
    one=rng.random()<.4; keep=rng.choice([.2,.5,.7]); kinds=rng.choice(['v','v','vvve','vvvr','ver'])
    if rng.random()<.3: tr.append(('none',))
    ks,ws=list(W),list(W.values()); hk=[rng.choice(KEYS[t]) for t in range(NST)]
    for _ in range(L):
        m=rng.choices(ks,ws)[0]; k=rng.choice(hk) if rng.random()<hot else rng.choice(allk); val+=1; t=rng.randrange(NST)
        st=rng.randrange(30) if one or rng.random()<.3 else 99
        if m=='put': tr.append((m,k,val,rng.choice(kinds),st))
        elif m=='rem': tr.append((m,k,st))
        elif m=='judge': tr+=[(m,t,rng.random()<keep,99) for _ in range(rng.choice([0,1,4,8]))]+[(m,t,rng.random()<keep,st)]
        elif m=='kleave': tr+=[('judge',t,rng.random()<keep,99) for _ in range(CAP)]+[('judge',t,False,rng.randrange(1,14)),('kill',t)]+[('rep',t,rng.randrange(1,9))]*rng.choice([0,0,1,2])
        elif m=='step': tr.append((m,t,rng.choice([1,1,1,2,3])))
        elif m=='kill': tr.append((m,t))
        elif m=='krep': tr+=[('kill',t),('rep',t,rng.randrange(1,9))]
        elif m=='exp': tr.append((m,k))
        elif m=='r': tr+=[(m,k)]*rng.choice([1,1,2,4])
        elif m=='crash': tr.append((m,rng.randrange(1<<30)))
        elif m=='ck': tr+=[('cut',False),('force',),('slotw',),('slotf',)]
        else: tr.append(rng.choice([('cut',False),('cut',False),('cut',True),('force',),('slotw',),('slotf',)]))
    tr.append(('crash',rng.randrange(1<<30))); return tr
def shrink(f,tr):
    n,m=run(f,tr); tr=tr[:n]; ch=True
    while ch:
        ch=False
        for i in range(len(tr)-1,-1,-1):
            t=tr[:i]+tr[i+1:]; q=t and run(f,t)
            if q: tr=t[:q[0]]; ch=True; break
    return tr,run(f,tr)[1]
def hunt(name,over,trials,L=60,seed=1,show=True):
    f=dict(BASE); f.update(over); rng=random.Random(seed); best=None; bad=0; stat={}; t0=time.time()
    for _ in range(trials):
        tr=gen(rng,L); q=run(f,tr,stat)
        if q:
            bad+=1
            if bad<=8:
                t,m=shrink(f,tr)
                if best is None or len(t)<len(best[0]): best=(t,m)
    print(f'## {name}: {bad}/{trials} traces violate   {stat} {time.time()-t0:.0f}s')
    if best and show:
        for i,o in enumerate(best[0]): print('   ',i+1,*o)
        print('    =>',best[1])
    sys.stdout.flush()
if __name__=='__main__':
    T=int(sys.argv[1]) if len(sys.argv)>1 else 2000
    hunt('eviction: judged, moved, dropped with the region by one commit',{},T)
    hunt('CANARY: a region leaves that is not the oldest of its chain',{'victim':'next'},T)
    hunt('CANARY: the counts are committed before the drop',{'drop':'counts first'},T)
    hunt('CANARY: a redo that does not walk the region',{'redo':'none'},T)
    hunt('CANARY: a drop that forgets the live count',{'count':'forgotten'},T)
    hunt('CANARY: leaves without a look at what was written in place since it was judged',{'look':'none'},T)
    hunt('CANARY: a region that was evicted is used again before a checkpoint without it',{'reuse':'early'},T)
    hunt('CANARY: overwrites in place of what a cut names',{'cutver':False},T)
