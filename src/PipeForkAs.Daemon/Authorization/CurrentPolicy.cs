namespace PipeForkAs.Daemon.Authorization;

/// <summary>The policy for new decisions; a running decision uses one policy from beginning to end. For use on the loop.</summary>
/// <param name="policy">The initial policy.</param>
internal sealed class CurrentPolicy(Policy policy)
{
    public Policy Policy { get; set; } = policy;
}
