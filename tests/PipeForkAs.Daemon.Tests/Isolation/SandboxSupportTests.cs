using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Tests.Isolation;

public sealed class SandboxSupportTests
{
    private static readonly Sandbox NoNetwork = new() { NoNetwork = true };

    [Fact]
    public void Missing_kernel_support_for_signal_scopes_is_reported_for_all_sandboxes()
    {
        Assert.True(SandboxSupport.LeavesSignals([NoNetwork], static () => Sandbox.SignalsVersion - 1));
        Assert.True(SandboxSupport.LeavesSignals([new Sandbox { ReadOnly = ["/usr"] }], static () => 1));
        Assert.False(SandboxSupport.LeavesSignals([NoNetwork], static () => Sandbox.SignalsVersion));
    }

    [Fact]
    public void Without_sandboxes_the_kernel_is_not_probed_because_containers_can_forbid_it()
    {
        Assert.False(SandboxSupport.LeavesSignals([], static () => throw new InvalidOperationException("asked")));
        Assert.False(SandboxSupport.LeavesSignals([new Sandbox()], static () => throw new InvalidOperationException("asked")));
    }
}
