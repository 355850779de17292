using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Upgrading;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Tests.Upgrading;

public sealed class HandoverChannelTests : IDisposable
{
    private readonly LoopThread loop = new();

    public void Dispose()
    {
        loop.Dispose();
        Assert.Empty(loop.Failures);
    }

    [Fact(Timeout = 30_000)]
    public Task Messages_wait_for_space_in_the_channel_and_none_is_lost() => loop.RunAsync(async () =>
    {
        const int Count = 200;
        (HandoverChannel former, HandoverChannel fresh) = Pair();
        var job = new RunningJobStatus
        {
            Id = 1,
            Job = new string('j', 200),
            Caller = 1,
            User = "u",
            Uid = 1,
            Pid = 1,
            Age = TimeSpan.FromSeconds(1),
        };
        RunningJobStatus[] jobs = [.. Enumerable.Repeat(job, 50)];
        Task<bool> sent = SendAllAsync();
        Assert.False(sent.IsCompleted);
        for (int i = 0; i < Count; i++)
        {
            JobsAnswer? answer = (await fresh.ReadAsync(loop.Loop))?.Jobs;
            Assert.Equal((i, jobs.Length), ((int?)answer?.Number, answer?.Jobs.Count));
        }

        Assert.True(await sent);

        // The channel no longer waits for a daemon that has ended.
        sent = SendAllAsync();
        fresh.Dispose();
        Assert.False(await sent);
        former.Dispose();

        async Task<bool> SendAllAsync()
        {
            for (int i = 0; i < Count; i++)
            {
                var answer = new JobsAnswer(i, jobs, Running: 1, IsCancelled: false, HasMore: false);
                if (!await former.SendAsync(loop.Loop, new HandoverMessage { Jobs = answer }))
                    return false;
            }

            return true;
        }
    });

    private static (HandoverChannel Former, HandoverChannel Fresh) Pair()
    {
        (FileDescriptor one, FileDescriptor other) = Libc.socketpair_seqpacket();
        Libc.set_nonblocking(one);
        Libc.set_nonblocking(other);
        return (new HandoverChannel(one), new HandoverChannel(other));
    }
}
