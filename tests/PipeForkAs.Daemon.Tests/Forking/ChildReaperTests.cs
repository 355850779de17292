using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Forking;

public sealed class ChildReaperTests
{
    [Fact]
    public void A_callback_that_throws_keeps_no_other_child_from_being_reaped()
    {
        var failures = new List<string>();
        var reaper = new ChildReaper(failure => failures.Add(failure.Message));
        int told = 0;
        for (int i = 0; i < 2; i++)
        {
            reaper.Register(Child.Start("/bin/true"), _ =>
            {
                told++;
                throw new InvalidOperationException("callback");
            });
        }

        Assert.True(SpinWait.SpinUntil(() =>
        {
            reaper.Sweep();
            return told == 2;
        }, TimeSpan.FromSeconds(20)));
        Assert.Equal(["callback", "callback"], failures);
        Assert.Null(Libc.peek_any_ended());
    }
}
