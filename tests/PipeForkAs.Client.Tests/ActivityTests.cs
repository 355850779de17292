using System.Diagnostics;

using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Client.Tests;

/// <summary>What a listener learns of requests, and what the daemon learns of the listener's trace.</summary>
public sealed class ActivityTests
{
    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_request_without_a_listener_carries_no_trace()
    {
        Request? seen = null;
        await using FakeDaemon daemon = Daemon(request => seen = request, Reply.Exit(0));
        using Activity outer = new Activity("outer").Start();

        await new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("id"));

        Assert.Equal((null, null), (seen!.TraceParent, seen.TraceState));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_request_with_a_listener_continues_the_trace_of_its_caller()
    {
        Request? seen = null;
        await using FakeDaemon daemon = Daemon(request => seen = request, Reply.Exit(3));
        using Listening listening = new();
        using Activity outer = new Activity("outer") { TraceStateString = "congo=t61rcWkgMzE" }.SetIdFormat(ActivityIdFormat.W3C).Start();

        await new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("exit") { User = "alice" });

        Activity activity = listening.Of(outer);
        Assert.Equal((activity.Id, "congo=t61rcWkgMzE"), (seen!.TraceParent, seen.TraceState));
        Assert.Equal(
            ("run exit", ActivityKind.Client, outer.SpanId, ActivityStatusCode.Error),
            (activity.DisplayName, activity.Kind, activity.ParentSpanId, activity.Status));
        Assert.Equal(
            [("pipeforkas.operation", "run"), ("pipeforkas.job", "exit"), ("pipeforkas.user", "alice"), ("pipeforkas.code", "failed"),
                ("error.type", "failed")],
            activity.TagObjects.Select(tag => (tag.Key, tag.Value)));
        Assert.Same(outer, Activity.Current);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_trace_state_that_the_protocol_forbids_is_not_sent()
    {
        Request? seen = null;
        await using FakeDaemon daemon = Daemon(request => seen = request, Reply.Exit(0));
        using Listening listening = new();
        using Activity outer = new Activity("outer") { TraceStateString = "no state" }.SetIdFormat(ActivityIdFormat.W3C).Start();

        await new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("id"));

        Assert.Equal((listening.Of(outer).Id, null), (seen!.TraceParent, seen.TraceState));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task An_activity_ends_with_the_stream_and_has_the_failure()
    {
        Request? seen = null;
        await using FakeDaemon daemon = Daemon(request => seen = request, Reply.Out("text"));
        using Listening listening = new();
        using Activity outer = new Activity("outer").SetIdFormat(ActivityIdFormat.W3C).Start();

        await using (Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(new JobRequest("id")))
            await Assert.ThrowsAsync<ReplyCutShortException>(() => output.CopyToAsync(Stream.Null));

        Activity activity = listening.Of(outer);
        Assert.Equal(activity.Id, seen!.TraceParent);
        Assert.Equal(
            (ActivityStatusCode.Error, typeof(ReplyCutShortException).FullName), (activity.Status, activity.GetTagItem("error.type")));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task An_activity_has_the_reason_why_there_was_no_daemon()
    {
        using Listening listening = new();
        using Activity outer = new Activity("outer").SetIdFormat(ActivityIdFormat.W3C).Start();
        PipeForkAsClient client = new("/nonexistent/pipeforkas.sock");

        await Assert.ThrowsAsync<ConnectionException>(() => client.ListAsync());
        await Assert.ThrowsAsync<ConnectionException>(() => client.OpenReadAsync(new JobRequest("id")));

        Assert.Equal(["list", "run id"], listening.AllOf(outer).Select(activity => activity.DisplayName));
        Assert.All(
            listening.AllOf(outer), activity => Assert.Equal(typeof(ConnectionException).FullName, activity.GetTagItem("error.type")));
    }

    private static FakeDaemon Daemon(Action<Request> see, params byte[][] reply) => new(async connection =>
    {
        see(await connection.ReadRequestAsync());
        await connection.SendAsync(reply);
    });

    /// <summary>Listens to the client library. Other tests run beside, so each looks at the activities of its own trace.</summary>
    private sealed class Listening : IDisposable
    {
        private readonly List<Activity> stopped = [];
        private readonly ActivityListener listener;

        public Listening()
        {
            listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == PipeForkAsClient.ActivitySourceName,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = activity =>
                {
                    lock (stopped)
                        stopped.Add(activity);
                },
            };
            ActivitySource.AddActivityListener(listener);
        }

        public Activity Of(Activity outer) => Assert.Single(AllOf(outer));

        public IReadOnlyList<Activity> AllOf(Activity outer)
        {
            lock (stopped)
                return [.. stopped.Where(activity => activity.TraceId == outer.TraceId)];
        }

        public void Dispose() => listener.Dispose();
    }
}
