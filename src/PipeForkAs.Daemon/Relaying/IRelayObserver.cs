namespace PipeForkAs.Daemon.Relaying;

/// <summary>Receives the reason why a relay stops before its stream ends.</summary>
internal interface IRelayObserver
{
    /// <summary>The outputs together exceeded the limit; the rest is not relayed.</summary>
    void OutputLimitReached();

    /// <summary>The job sent descriptors with an output; the rest of the output is not relayed.</summary>
    void JobSentDescriptors();

    /// <summary>The caller sent descriptors with the input; the rest of the input is not relayed.</summary>
    void ClientSentDescriptors();
}
