package main

func (b *bench) bulk() error { return nil }
