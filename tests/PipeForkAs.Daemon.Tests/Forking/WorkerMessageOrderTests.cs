using PipeForkAs.Daemon.Forking;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Forking;

public sealed class WorkerMessageOrderTests
{
    [Fact]
    public void A_worker_without_an_order_can_only_fail() =>
        Assert.Equal([MessageKind.StepFailed], WorkerMessageOrder.Allowed(WorkerStage.Waiting).ToArray());

    [Fact]
    public void A_worker_with_an_order_begins_or_fails_or_reports_the_consent_of_the_user() => Assert.Equal(
        [MessageKind.Began, MessageKind.StepFailed, MessageKind.Consent], WorkerMessageOrder.Allowed(WorkerStage.Ordered).ToArray());

    [Fact]
    public void A_running_job_cannot_send_messages_of_its_worker() =>
        Assert.Equal([MessageKind.Returned], WorkerMessageOrder.Allowed(WorkerStage.Running).ToArray());

    [Fact]
    public void After_its_last_message_nothing_is_read()
    {
        Assert.Empty(WorkerMessageOrder.Allowed(WorkerStage.Reported).ToArray());
        Assert.Empty(WorkerMessageOrder.Allowed(WorkerStage.Released).ToArray());
    }
}
