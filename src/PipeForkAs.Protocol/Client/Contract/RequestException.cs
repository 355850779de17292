namespace PipeForkAs.Client;

/// <summary>A request is not valid. The message says what is wrong and is suitable for the client.</summary>
public class RequestException(string message, Exception? inner = null) : PipeForkAsException(message, inner);
