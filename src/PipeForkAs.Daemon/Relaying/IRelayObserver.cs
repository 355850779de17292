namespace PipeForkAs.Daemon.Relaying;

/// <summary>Learns why a relay stops before its stream ends.</summary>
internal interface IRelayObserver
{
    /// <summary>The outputs together hold more than they may; the rest is not relayed.</summary>
    void OutputLimitReached();

    /// <summary>Descriptors came with an output; the rest of it is not relayed.</summary>
    void JobSentDescriptors();

    /// <summary>Descriptors came with the input; the rest of it is not relayed.</summary>
    void ClientSentDescriptors();
}
