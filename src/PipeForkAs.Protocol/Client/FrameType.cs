namespace PipeForkAs.Protocol.Client;

/// <summary>The content of a frame.</summary>
public enum FrameType : byte
{
    /// <summary>Bytes of the job's standard output.</summary>
    Stdout = 1,

    /// <summary>Bytes of the job's standard error.</summary>
    Stderr = 2,

    /// <summary>The <see cref="EndRecord"/> as JSON: once, last.</summary>
    End = 16,
}
