namespace Cage.PowerShell;

/// <summary>What runs in a cage for a cmdlet whose pipeline it is joined to. Disposed of early it is ended.</summary>
internal interface IRunning : IDisposable
{
    /// <summary>Gives it an object as input, and writes what has come of it meanwhile.</summary>
    void Feed(object? item);

    /// <summary>Ends its input, writes all that comes, waits for its end. Returns its exit status.</summary>
    int Finish();
}
