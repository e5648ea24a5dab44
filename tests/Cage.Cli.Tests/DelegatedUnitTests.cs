namespace Cage.Cli.Tests;

/// <summary>Where the control groups are on a systemd host. There is no systemd here: what it would do when it is asked (make the group of a unit) a script does in its place,
/// in a part of the tree that is a whole one to those in it (cgroup_namespaces(7)). That systemd does it so is not tested.</summary>
public sealed class DelegatedUnitTests : CageTest
{
    private const string Stage = """
        top=$TREE/cage-test-$$; mkdir $top; echo $$ >$top/cgroup.procs
        unshare -C -m --propagation private bash -ec "$SCENE" || status=$?
        echo $$ >$TREE/cgroup.procs
        find $top -depth -type d -exec rmdir {} +
        exit ${status:-0}
        """;

    private const string Scene = """
        umount -l $TREE; mount -t cgroup2 cgroup2 $TREE
        mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/system /run/upper /run/work
        unit=$TREE/system.slice/cage.service
        printf '#!/bin/sh\necho "$@" >>/run/asked; [ ! -e /run/deaf ] && mkdir -p %s\n' $unit >/run/upper/systemd-run; chmod 755 /run/upper/systemd-run
        mount -t overlay overlay -o lowerdir=/usr/bin,upperdir=/run/upper,workdir=/run/work /usr/bin
        where() { for i in $($CAGE show $1 --json | jq '.[0].processId'); do sed -n "s,^0::,,p" /proc/$i/cgroup | sed "s,[0-9a-f]*-.*,ID,"; done; }
        groups() { echo "groups: $(cd $TREE; find . -mindepth 1 -type d | sed 's,/[0-9a-f]*-[-0-9a-f]*,/ID,' | sort | tr '\n' ' ')"; }
        $CAGE new web --base $live >/dev/null; $CAGE new old --base $live >/dev/null
        touch /run/deaf; $CAGE start old; echo "old: $(where old)"; rm /run/deaf
        $CAGE start web; echo "web: $(where web)"; groups
        $CAGE suspend web; $CAGE resume web; $CAGE exec web -- echo goes on; $CAGE exec old -- echo goes on
        $CAGE run --base $live -- true
        $CAGE run --base $live -- sh -c 'echo in; exec sleep 1000' >/run/said & run=$!
        for i in $(seq 1000); do [ -s /run/said ] && break; sleep 0.03; done; groups
        kill $run; wait $run || :
        $CAGE stop old web; groups
        sort -u /run/asked
        """;

    [ToolFact("unshare", "jq")]
    public void AllGroupsAreInOneUnitThatSystemdIsAskedFor()
    {
        if (HostView.ControlGroups is not string tree) throw new InvalidOperationException("no version 2 hierarchy is mounted");
        Store.Environment["live"] = Store.Host();
        Store.Environment["TREE"] = tree;
        Store.Environment["SCENE"] = Scene;
        Outcome outcome = Store.Bash(Stage).Ended(0);
        Assert.Equal(
            [
                "old: /cage/ID", "web: /system.slice/cage.service/ID", "groups: ./cage ./cage/ID ./system.slice ./system.slice/cage.service ./system.slice/cage.service/ID ", "goes on", "goes on",
                "groups: ./cage ./cage/ID ./system.slice ./system.slice/cage.service ./system.slice/cage.service/ID ./system.slice/cage.service/ID ", "groups: ./system.slice ./system.slice/cage.service ",
                "--quiet --unit=cage.service --description=Control groups of cages --service-type=oneshot --remain-after-exit --property=Delegate=yes /bin/true",
            ],
            outcome.Lines);
    }
}
